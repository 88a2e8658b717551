/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Beancounters, as user space sees them: the numbers of the resources and what
 * get_bcstat(2) tells of one.
 */
#ifndef _UAPI_LINUX_BEANCOUNTER_H
#define _UAPI_LINUX_BEANCOUNTER_H

#include <linux/types.h>

/*
 * System calls. The first three are where OpenVZ's kernels have getluid, setluid and
 * setublimit. They are beyond those that are given out for all programs.
 */
#if defined(__x86_64__) && !defined(__ILP32__)
#define __NR_get_bcid		500
#define __NR_set_bcid		501
#define __NR_set_bclimit	502
#define __NR_get_bcstat		511
#endif

#define BC_KMEMSIZE	0	/* bytes */
#define BC_LOCKEDPAGES	1
#define BC_PRIVVMPAGES	2
#define BC_SHMPAGES	3
#define BC_NUMPROC	5
#define BC_PHYSPAGES	6
#define BC_VMGUARPAGES	7
#define BC_OOMGUARPAGES	8
#define BC_NUMTCPSOCK	9
#define BC_NUMFLOCK	10
#define BC_NUMPTY	11
#define BC_NUMSIGINFO	12
#define BC_TCPSNDBUF	13	/* bytes, as the three that follow */
#define BC_TCPRCVBUF	14
#define BC_OTHERSOCKBUF	15
#define BC_DGRAMRCVBUF	16
#define BC_NUMOTHERSOCK	17
#define BC_DCACHESIZE	18	/* bytes */
#define BC_NUMFILE	19
#define BC_NUMIPTENT	23
#define BC_RESOURCES	24

struct bc_resource_parm {
	__kernel_ulong_t barrier;	/* over it, what can be refused is refused */
	__kernel_ulong_t limit;	/* over it, all is refused but what cannot be */
	__kernel_ulong_t held;	/* in use now */
	__kernel_ulong_t maxheld;	/* the most since the last reset */
	__kernel_ulong_t minheld;	/* and the least */
	__kernel_ulong_t failcnt;	/* charges that were refused */
};

#endif /* _UAPI_LINUX_BEANCOUNTER_H */
