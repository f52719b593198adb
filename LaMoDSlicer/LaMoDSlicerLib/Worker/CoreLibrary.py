import os
import shutil
import sys
from pathlib import Path


class CoreLibrary:
    """Where LaMoDCore lies, for imports here and for the worker process."""

    #: Beside the module where the extension is installed, beside its folder in a source checkout.
    FOLDERS = (Path(__file__).resolve().parents[2], Path(__file__).resolve().parents[3])

    @classmethod
    def folder(cls) -> Path:
        """The folder that holds the package.

        Raises:
            FileNotFoundError: it is in neither place.
        """
        for folder in cls.FOLDERS:
            if (folder / "LaMoDCore" / "__init__.py").is_file():
                return folder
        raise FileNotFoundError(f"LaMoDCore lies in none of {', '.join(map(str, cls.FOLDERS))}: reinstall LaMoD")

    @classmethod
    def makeImportable(cls) -> None:
        """Let `import LaMoDCore` work in this process."""
        folder = str(cls.folder())
        if folder not in sys.path:
            sys.path.append(folder)

    @staticmethod
    def python() -> str:
        """Slicer's own Python, as a program.

        Raises:
            FileNotFoundError: Slicer's folder is not on the PATH that it sets for itself.
        """
        found = shutil.which("PythonSlicer")
        if found is None:
            raise FileNotFoundError("PythonSlicer was not found: start Slicer through its own launcher")
        return found

    @classmethod
    def environment(cls) -> dict[str, str]:
        """Environment of the worker: nothing of the person's own Python, and the library's folder first."""
        environment = dict(os.environ)
        environment.update(
            PYTHONPATH=str(cls.folder()), PYTHONNOUSERSITE="1", PYTHONUNBUFFERED="1", PYTHONIOENCODING="utf-8"
        )
        return environment
