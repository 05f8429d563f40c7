"""Checks Kubernetes documents, and runs the Jobs in them without Kubernetes.

    manifest.py check FILE                          against the schemas of Kubernetes, strictly
    manifest.py run FILE FOLDER [NAME=VALUE]...     every container's command, for every index, one after another

A run has a folder below FOLDER in place of each volume, voicesim from the PATH in place of the image, and the container's
own environment (NAME=VALUE replaces a value).
"""

import os
import re
import subprocess
import sys

import kubernetes_validate
import yaml

KUBERNETES = "1.37"


class Wrong(Exception):
    """Says what is wrong with a document, and the cure."""


class Strict(yaml.SafeLoader):
    """Refuses a key that is given twice, as the API server does."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise Wrong(f"{key} is given twice, line {node.start_mark.line + 1} and on; leave one")
        return super().construct_mapping(node, deep)


def documents(file):
    with open(file, encoding="utf-8") as text:
        return [document for document in yaml.load_all(text, Loader=Strict) if document]


def name_of(document):
    return f"{document.get('kind')} {document.get('metadata', {}).get('name')}"


def pod_of(job):
    return job["spec"]["template"]["spec"]


def jobs_of(all_documents):
    return [document for document in all_documents if document["kind"] == "Job"]


def check(all_documents):
    for document in all_documents:
        check_schema(document)
    for job in jobs_of(all_documents):
        check_job(job, all_documents)


def check_schema(document):
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        path = ".".join(str(step) for step in error.path)
        raise Wrong(f"{name_of(document)}: {path}: {error.message}") from None
    except kubernetes_validate.SchemaNotFoundError as error:
        raise Wrong(f"{name_of(document)}: {error.message}; is kind or apiVersion misspelt?") from None
    except KeyError as error:
        raise Wrong(f"{name_of(document)}: {error} is missing") from None


def check_job(job, all_documents):
    """What the schema does not know: words that are a choice, and names that have to be somewhere."""
    name, spec, pod = name_of(job), job["spec"], pod_of(job)
    choices = [
        (spec.get("completionMode", "NonIndexed"), "completionMode", ["NonIndexed", "Indexed"]),
        (pod.get("restartPolicy"), "restartPolicy", ["Never", "OnFailure"]),
    ]
    for value, key, allowed in choices:
        if value not in allowed:
            raise Wrong(f"{name}: {key} is {value}; a Job takes {' or '.join(allowed)}")
    if "podFailurePolicy" in spec and pod["restartPolicy"] != "Never":
        raise Wrong(f"{name}: podFailurePolicy needs restartPolicy: Never")
    there = {(document["kind"], document["metadata"]["name"]) for document in all_documents}
    volumes = {volume["name"]: source_of(volume) for volume in pod.get("volumes", [])}
    for volume, source in volumes.items():
        if source not in there:
            raise Wrong(f"{name}: volume {volume} is of {' '.join(source)}, which no document describes")
    for container in pod["containers"]:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                raise Wrong(f"{name}: mounts {mount['name']}, which is none of its volumes")
        shards = environment_of(container).get("SHARDS")
        if indices_of(job) and shards != str(len(indices_of(job))):
            raise Wrong(f"{name}: SHARDS is {shards}, completions {spec['completions']}; they have to be the same")


def source_of(volume):
    if "configMap" in volume:
        return "ConfigMap", volume["configMap"]["name"]
    if "persistentVolumeClaim" in volume:
        return "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
    raise Wrong(f"volume {volume['name']} is neither of a ConfigMap nor of a claim, and this check knows no others")


def environment_of(container):
    return {variable["name"]: variable["value"] for variable in container.get("env", [])}


def indices_of(job):
    """Every JOB_COMPLETION_INDEX of an Indexed Job, none of another one."""
    spec = job["spec"]
    return range(spec["completions"]) if spec.get("completionMode") == "Indexed" else range(0)


def run(all_documents, folder, replaced):
    lay_out(all_documents, folder)
    for job in jobs_of(all_documents):
        indices = list(indices_of(job))
        for index in indices or [None]:
            run_pod(job, index, folder, replaced)
        print(f"{name_of(job)}: ran its command" + (f" for index {indices[0]} to {indices[-1]}" if indices else ""))


def lay_out(all_documents, folder):
    """A folder for each ConfigMap, with its files, and for each claim."""
    for document in all_documents:
        if document["kind"] not in ("ConfigMap", "PersistentVolumeClaim"):
            continue
        place = os.path.join(folder, document["metadata"]["name"])
        os.makedirs(place, exist_ok=True)
        for name, text in document.get("data", {}).items():
            with open(os.path.join(place, name), "w", encoding="utf-8") as file:
                file.write(text)


def run_pod(job, index, folder, replaced):
    pod = pod_of(job)
    sources = {volume["name"]: source_of(volume)[1] for volume in pod["volumes"]}
    for container in pod["containers"]:
        environment = environment_of(container)
        environment.update((name, value) for name, value in replaced.items() if name in environment)
        if index is not None:
            environment["JOB_COMPLETION_INDEX"] = str(index)
        places = {mount["mountPath"]: os.path.join(folder, sources[mount["name"]]) for mount in container["volumeMounts"]}
        words = [moved(expanded(word, environment), places) for word in container["command"] + container.get("args", [])]
        # Nothing of this machine's environment, as in a container, but for where programs are.
        ended = subprocess.run(words, env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True)
        if ended.returncode != 0:
            which = name_of(job) + ("" if index is None else f", index {index}")
            raise Wrong(f"{which}: its command ended with {ended.returncode}:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")


def expanded(word, environment):
    """$(NAME) and $$ as Kubernetes puts them in before a shell sees them; a name it does not know stays."""

    def value(match):
        return "$" if match[0] == "$$" else environment.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", value, word)


def moved(word, places):
    """Paths below a mount, as those of the folder that stands for it."""
    for mount, place in places.items():
        word = re.sub(rf"(?<![\w./-]){re.escape(mount)}(?![\w.-])", lambda _: place, word)
    return word


def main(command, file, *rest):
    all_documents = documents(file)
    if command == "check":
        check(all_documents)
        print(f"{len(all_documents)} documents keep to Kubernetes {KUBERNETES}: {', '.join(map(name_of, all_documents))}")
    else:
        folder, *replaced = rest
        run(all_documents, folder, dict(pair.split("=", 1) for pair in replaced))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Wrong, yaml.YAMLError) as error:
        sys.exit(f"{os.path.basename(sys.argv[2])}: {error}")
