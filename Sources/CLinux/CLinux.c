// This target is header-only; SwiftPM wants one C file to build.
