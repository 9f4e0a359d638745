#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""count-junit.py FILE: prints "PASSED FAILED SKIPPED" of a junit record."""

import sys
import xml.etree.ElementTree


def main():
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(sys.argv[1]).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    print(passed, failed, skipped)


if __name__ == "__main__":
    main()
