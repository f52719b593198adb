"""The state and curves of a run from its folder, and the commands that start it."""

from __future__ import annotations

import json
import os
import shlex
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.run import launch_commands
from LaMoDCore.training.run.curves import RunCurves
from LaMoDCore.training.run.folder import FORMAT, RunFolder, claim_run_folder
from LaMoDCore.training.run.launch_commands import Launch, local_command, slurm_script, torchrun_command
from LaMoDCore.training.run.lock import RunLock, is_locked
from LaMoDCore.training.run.watch import read_run


def make_old(folder: Path) -> None:
    """Make the status look one minute old."""
    then = time.time() - 60
    os.utime(folder / "status.json", (then, then))


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    assert read_run(tmp_path / "nowhere").state == "none"
    assert read_run(tmp_path).state == "none"


def test_a_running_run_and_a_killed_one(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.opened():
        folder.status("running", "motion, epoch 2 of 5, loss 0.3", stage="motion", epoch=2, epochs=5, fraction=0.4)
        make_old(tmp_path / "run")  # a long validation: the process still holds the lock
        seen = read_run(tmp_path / "run")
        assert (seen.state, seen.stage, seen.epoch, seen.epochs, seen.fraction) == ("running", "motion", 2, 5, 0.4)
        assert seen.pid == os.getpid() and not seen.resumable
        folder.stop_file.touch()
        assert "asked to stop" in read_run(tmp_path / "run").sentence
    make_old(tmp_path / "run")
    seen = read_run(tmp_path / "run")  # the status is still "running", but no process holds the lock
    assert seen.state == "killed" and "start again" in seen.sentence
    (tmp_path / "run" / "checkpoint.safetensors").touch()
    assert "Resume" in read_run(tmp_path / "run").sentence


def test_a_failure_is_described(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(OSError, match="No space"), folder.opened():
        raise OSError(28, "No space left on device")
    seen = read_run(tmp_path / "run")
    assert seen.state == "failed" and "No space left" in seen.sentence
    with pytest.raises(LaMoDInputError), folder.opened():
        raise LaMoDInputError("batch_size 9", "it needs 9 GiB", "set batch_size to 4 or less")
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert status["failure"]["remedy"] == "set batch_size to 4 or less"
    assert "batch_size 9: it needs 9 GiB; set batch_size to 4 or less." in read_run(tmp_path / "run").sentence


def test_the_state_follows_from_fields_and_never_from_messages(tmp_path: Path) -> None:
    """The status of version 1 has the same fields, but its messages name options of the command."""
    message = "stopped in stage joint, epoch 1; resume it with --resume"
    status = {"format": 2, "pid": 1, "state": "stopped", "message": message, "stage": "motion", "epoch": 2}
    (tmp_path / "status.json").write_text(json.dumps(status))
    (tmp_path / "checkpoint.safetensors").touch()
    assert read_run(tmp_path).sentence == "Stopped in stage motion, epoch 2. Resume continues from the last checkpoint."
    (tmp_path / "status.json").write_text(
        json.dumps({**status, "state": "failed", "message": "run: the disk is full."})
    )
    assert "run: the disk is full. Resume" in read_run(tmp_path).sentence


def test_runs_of_newer_versions_and_unreadable_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"format": FORMAT + 1, "versions": {"LaMoD": "9.9"}}))
    (tmp_path / "status.json").write_text(json.dumps({"state": "running"}))
    seen = read_run(tmp_path)
    assert seen.state == "unreadable" and "LaMoD 9.9" in seen.sentence
    (tmp_path / "run.json").write_text("{")
    assert read_run(tmp_path).state == "unreadable"
    (tmp_path / "run.json").unlink()
    (tmp_path / "status.json").write_text(json.dumps({"state": "dancing", "fraction": "much", "epoch": None}))
    assert "dancing" in read_run(tmp_path).sentence
    (tmp_path / "status.json").write_text("[1]")
    assert read_run(tmp_path).state == "none"


def test_a_missing_dataset_is_reported(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.opened():
        folder.write("run.json", {"format": FORMAT, "data": str(tmp_path / "gone")})
        assert "cannot continue without it" in " ".join(read_run(tmp_path / "run").remarks)
        (tmp_path / "run" / "cache").mkdir()
        (tmp_path / "run" / "cache" / "index.json").write_text("{}")
        assert "the data it has prepared" in " ".join(read_run(tmp_path / "run").remarks)
        folder.status("finished", "done")
        assert not read_run(tmp_path / "run").remarks


def test_checking_the_lock_does_not_block_a_training(tmp_path: Path) -> None:
    """The check holds the lock for a moment; a training that starts then tries again."""
    assert not is_locked(tmp_path) and not (tmp_path / ".lock").exists()
    looked = RunLock(tmp_path)
    looked.__enter__()
    assert is_locked(tmp_path)
    timer = threading.Timer(0.06, lambda: looked.__exit__(None, None, None))
    timer.start()
    with RunLock(tmp_path):
        assert is_locked(tmp_path)
    timer.join()
    assert not is_locked(tmp_path)


def test_a_stop_request_during_the_preparation_is_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    claim_run_folder(folder.folder)
    folder.stop_file.touch()  # of an earlier run
    with folder.preparing():
        assert not folder.stop_file.exists()
        folder.stop_file.touch()
    with RunFolder(tmp_path / "run").opened():
        assert folder.stop_file.exists()
        folder.status("stopped", "as asked")
    with RunFolder(tmp_path / "run").opened():
        assert not folder.stop_file.exists()


def line(kind: str, step: int, loss: float, **more: object) -> str:
    content = {"kind": kind, "stage": "motion", "global_step": step, "train": {"loss": loss}, **more}
    return json.dumps(content) + "\n"


def test_curves_follow_a_log_that_grows_and_is_truncated(tmp_path: Path) -> None:
    log, curves = tmp_path / "log.jsonl", RunCurves(tmp_path)
    assert not curves.update()
    with log.open("w") as file:
        file.write(line("step", 1, 3.0) + line("step", 2, 2.0) + '{"kind": "st')
    assert curves.update() and curves.stages["motion"].loss == [3.0, 2.0]
    with log.open("a") as file:
        file.write('ep", "stage": 7}\n' + line("epoch", 2, 2.0, val={"loss": 2.5, "endpoint_mm": 1.5}))
        file.write(line("epoch", 4, 1.0, val={}))
    assert curves.update() and not curves.update()
    motion = curves.stages["motion"]
    assert motion.epoch_steps == [2, 4] and motion.validation[0] == 2.5 and motion.endpoint_mm[0] == 1.5
    assert motion.validation[1] != motion.validation[1] and curves.epochs == 2
    log.write_text(line("step", 1, 3.0))  # a resumed run deletes the lines after its checkpoint
    assert curves.update() and curves.stages["motion"].loss == [3.0] and curves.epochs == 0


def test_the_same_run_here_on_gpus_and_on_a_cluster() -> None:
    launch = Launch(Path("/data/my hearts"), Path("/runs/a b"), config=Path("/c d.json"), init="lamod-phantom-v1")
    arguments = launch.arguments()
    assert local_command(launch)[:3] == ["python", "-m", "LaMoDCore"] and "--progress" in local_command(launch)
    words = shlex.split(torchrun_command(launch, 4, 2))
    assert words[:5] == ["torchrun", "--nproc_per_node", "4", "--nnodes", "2"] and words[-len(arguments) :] == arguments
    script = slurm_script(launch, 4, 2, 12)
    runs = [shlex.split(row)[2:] for row in script.splitlines() if "srun" in row]
    assert runs[1] == arguments and runs[0][-1] == "--resume" and "--config" not in runs[0]
    assert "#SBATCH --nodes=2" in script and "#SBATCH --time=12:00:00" in script and "'/runs/a b'" in script
    assert "--preset" in Launch(Path("d"), Path("r"), preset="smoke").arguments()
    for processes, machines in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least one"):
            torchrun_command(launch, processes, machines)


@pytest.mark.parametrize(("system", "quoted"), [("nt", '"C:/my hearts"'), ("posix", "'C:/my hearts'")])
def test_commands_are_quoted_for_the_terminal_of_the_system(
    monkeypatch: pytest.MonkeyPatch, system: str, quoted: str
) -> None:
    monkeypatch.setattr(launch_commands, "os", SimpleNamespace(name=system))
    launch = Launch(Path("C:/my hearts"), Path("run"))
    assert quoted in launch_commands.command_line(local_command(launch))
    assert quoted in torchrun_command(launch, 2)
    assert "'C:/my hearts'" in slurm_script(launch, 2), "a batch file is for Linux"
