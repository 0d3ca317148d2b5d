"""What a release is made of: citation, workflows, container files, and packages that install and run."""

import configparser
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

import kerasal
from kerasal_cli import main

ROOT = Path(__file__).parents[1]
EXTRAS = configparser.ConfigParser()
EXTRAS.read(ROOT / "setup.cfg")
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))


def test_the_citation_is_of_this_version_and_of_the_paper():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == kerasal.__version__
    assert cited["license"] == EXTRAS["metadata"]["license"]
    paper = cited["preferred-citation"]
    page = (ROOT / "docs/citing.md").read_text(encoding="utf-8")
    article, software = re.findall(r"```bibtex\n(.*?)```", page, re.DOTALL)
    for author in paper["authors"]:
        assert f"{author['family-names']}, {author['given-names']}" in article
    for value in (paper["title"], paper["doi"], paper["journal"], str(paper["year"]), str(paper["volume"])):
        assert f"{{{value}}}" in article
    assert f"{{{kerasal.__version__}}}" in software
    assert article.count("{") == article.count("}")


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda path: path.name
)
def test_workflows_run_what_there_is(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow[True]  # YAML takes "on" for a truth value
    for job in workflow["jobs"].values():
        versions = job.get("strategy", {}).get("matrix", {}).get("python", [])
        known = EXTRAS["metadata"]["classifiers"]
        assert all(f"Python :: {version}\n" in f"{known}\n" for version in versions)
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            for command in re.findall(r"kerasal ([a-z]+)", step.get("run", "")):
                assert command in main.list_commands(None)
    assert (ROOT / ".ci/run").stat().st_mode & 0o100


def test_the_versions_of_python_that_are_stated_are_those_that_are_tested():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    matrices = [job["strategy"]["matrix"] for job in workflow["jobs"].values() if "strategy" in job]
    tested = [version for matrix in matrices for version in matrix.get("python", [])]
    stated = re.findall(r"Python :: (3\.\d+)", EXTRAS["metadata"]["classifiers"])
    assert tested == stated


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_container_files_name_extras_commands_and_options_that_exist(path):
    text = path.read_text(encoding="utf-8")
    extras = re.findall(r"/src\[(\w+)\]", text)
    assert extras
    assert all(extra in EXTRAS["options.extras_require"] for extra in extras)
    program, name, *arguments = yaml.safe_load(re.search(r"^ENTRYPOINT (\[.*\])$", text, re.MULTILINE)[1])
    assert program == "kerasal"
    command = main.get_command(None, name)
    given = [command.name, *arguments] + (["photo"] if name == "predict" else [])
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in given if word.startswith("--")} <= options
    for line in re.findall(r"^#.*(?:kerasal-\w+)((?: --?\S+ \S+)*)$", text, re.MULTILINE):
        used = {word for word in re.findall(r"--[a-z-]+", line) if word != "--gpus"}
        assert used <= options, line
    assert f"docker/{path.name}" in text


def test_what_a_container_is_built_of_is_what_the_package_is_built_of():
    copied = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    assert {"cli", "kerasal", "weights", "setup.py", "setup.cfg", "pyproject.toml"} <= copied
    for name in copied:
        assert (ROOT / name).exists()


SMOKE = """
import numpy as np
import kerasal, kerasal_cli
from kerasal import classical, weights
assert "SITE" in kerasal.__file__, kerasal.__file__
assert all(its.path.is_file() for its in weights.REGISTRY.values() if its.path.parent.name == "weights")
photo = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
assert kerasal.predict(photo).shape == (96, 128)
kerasal.losses.get("kld+cc+nss")
from kerasal import quest, reports, table1
assert "<h1>it</h1>" in reports.html_page("it", "", [], "", {}, "")
assert all((room.report.PAGE / "sections.html").is_file() for room in (quest, table1))
"""


@pytest.mark.slow
def test_sdist_and_wheel_install_offline_into_a_fresh_environment_and_run(tmp_path):
    pytest.importorskip("build.env")  # and not a folder of that name that lies about
    pytest.importorskip("setuptools")
    pytest.importorskip("wheel")
    # From the commit's own files: a folder build/ that lies about would be taken along.
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    source = tmp_path / "source"
    for name in filter(None, tracked.decode().split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path / "dist", source]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert wheel.stat().st_size < 60e6  # with the networks that ship
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")
    in_wheel = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith("kerasal-")}
    assert not {name.split("/")[0] for name in in_wheel} - {"kerasal", "kerasal_cli"}
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"setup.py", "README.md", "LICENSE", "weights/vgg16_imagenet_float16.h5", "cli/train.py"} <= inside
    for package in (wheel, sdist):
        environment = tmp_path / package.suffix[1:]
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        python = environment / "bin/python"
        (site,) = environment.glob("lib/python*/site-packages")
        # What kerasal stands on is this environment's; kerasal itself is not, as their .pth are not followed.
        others = [place for place in sys.path if place.endswith("site-packages")]
        (site / "others.pth").write_text("\n".join(others) + "\n")
        install = [python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
        subprocess.run([*install, package], check=True, capture_output=True, cwd=tmp_path)
        program = SMOKE.replace("SITE", str(site))
        subprocess.run([python, "-c", program], check=True, cwd=tmp_path)
        listed = subprocess.run(
            [environment / "bin/kerasal", "--version"],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        assert kerasal.__version__ in listed.stdout
