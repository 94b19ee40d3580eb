#!/usr/bin/env bash
# Fails where a source file is not in the format of .swift-format.
set -euo pipefail
cd "$(dirname "$0")/.."
swift format lint --strict --parallel --recursive Sources Tests Benchmarks Fuzzing Package.swift
