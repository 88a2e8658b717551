#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write the C source of the module ctn._ctn, by cffi, from the header of libctn.

usage: python/build.py HEADER OUTPUT

What the header declares is all there is to it: cffi takes the declarations as they
are, without what is the preprocessor's. ../Makefile compiles the source.
"""

import re
import sys

import cffi


def declarations(header):
    """What cffi can read of the header."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    # constants are looked up by the compiler
    constants = re.findall(r"^#define (CTN_[A-Z_]+)[ \t]+\S", text, flags=re.M)
    text = re.sub(r"^#(.*\\\n)*.*$", "", text, flags=re.M)
    text = text.replace('extern "C" {\n', "")
    # and so is the brace that ends it, the last one
    text = re.sub(r"\n}\s*$", "\n", text)
    return text + "".join(f"#define {name} ...\n" for name in constants)


def main():
    header, output = sys.argv[1:]
    ffi = cffi.FFI()
    with open(header, encoding="utf-8") as f:
        ffi.cdef("typedef int... pid_t;\n" + declarations(f.read()) + "void free(void *);\n")
    ffi.set_source("ctn._ctn", "#include <stdlib.h>\n#include <ctn.h>\n")
    ffi.emit_c_code(output)


if __name__ == "__main__":
    main()
