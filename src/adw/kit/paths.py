"""Where things are kept below the data directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class DataPaths:
    """The data directory's layout. Nothing outside this class joins these names."""

    root: Path

    @property
    def run(self) -> Path:
        """What running processes leave for each other: sockets, generated launchers."""
        return self.root / "run"

    @property
    def tools(self) -> Path:
        """Programs of ours that projects may use."""
        return self.root / "tools"

    @property
    def trees(self) -> Path:
        """Working trees. Nobody else may pass: as root, a program that an agent leaves there may belong to root."""
        return self.root / "trees"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def server_file(self) -> Path:
        """Address, token and identity of the running server; readable by its owner only."""
        return self.root / "server.json"

    @property
    def server_lock(self) -> Path:
        return self.root / "server.lock"

    def forge_remote(self, project_id: str) -> Path:
        """The bare repository that is the remote of a local project."""
        return self.root / "forge" / f"{project_id}.git"

    def ensure(self) -> DataPaths:
        """Makes the folders. An unwritable data directory is a ConfigurationError."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for folder in (self.run, self.logs, self.trees):
                folder.mkdir(mode=0o700, exist_ok=True)
            self.trees.chmod(0o700)  # earlier versions made it open to all
            probe = self.root / ".writable"
            probe.touch()
            probe.unlink(missing_ok=True)  # another process that starts now may have removed it
        except OSError as error:
            raise ConfigurationError(
                f"the data directory {self.root} cannot be written: {error.strerror}",
                hint="set ADW_DATA_DIR to a folder of your own, or correct its owner and permissions",
            ) from error
        return self
