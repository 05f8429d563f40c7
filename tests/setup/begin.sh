# What the tests begin with that other programs take part in; each reads it in: . "$(dirname "$0")/../setup/begin.sh"
# They are called with VOICESIM FOLDER. What stands in requirements.txt beside them is put into FOLDER, once; after that
# nothing is fetched. It sets $voicesim, $folder and $work, which is removed at the end, and goes to the root.
set -eu
if ! voicesim=$(realpath -e "$1" 2>/dev/null); then
    echo "$1 is not there; cargo build makes it" >&2
    exit 2
fi
mkdir -p "$2"
folder=$(realpath "$2")
tests=$(realpath "$(dirname "$0")")
cd "$tests/../.."

PYTHONPATH=$(sh tests/setup/python.sh "$tests/requirements.txt" "$folder")
export PYTHONPATH
export PYTHONDONTWRITEBYTECODE=1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
