"""A folder to the user's own account on the Hugging Face Hub, as a new data set repository.

Only the token that is handed in is used, never one that happens to lie on this machine; it appears
in no message and no log. Nothing is ever written into a repository that holds other files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DataError, InputError, MissingPackageError, SpotterError
from core.files import list_files

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

__all__ = ["HubError", "push_folder"]

_REPO_TYPE = "dataset"
_FILES_PER_COMMIT = 1000  # larger commits run into the Hub's time limit
_FILES_PER_STEP = 50  # between two calls of on_progress
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,94}[A-Za-z0-9]|[A-Za-z0-9]")
_VISIBILITY = {True: "private", False: "public"}
_NEW_FILES = {".gitattributes"}  # what the Hub puts into a new repository


class HubError(SpotterError):
    """The Hub refuses something, or cannot be reached."""

    code = "hub"


def push_folder(
    folder: Path,
    repo_id: str,
    *,
    token: str,
    private: bool = True,
    endpoint: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> str:
    """The address of the new data set on the Hub, after uploading a folder to it.

    Files are uploaded first and appear by commits of up to a thousand, so that an interrupted
    upload of a small data set leaves an empty repository, into which it may be tried again.

    Args:
        folder: Its files, but hidden ones and links.
        repo_id: "name", or "owner/name" for an organisation.
        token: Of the user, with the right to write.
        private: Whether only the owner sees it.
        endpoint: Address of the Hub; its usual one if None.
        on_progress: Called with the number of files uploaded and of all; may raise to stop.

    Raises:
        InputError: No token, or a name that the Hub does not allow.
        DataError: The folder has no files.
        HubError: The token is not valid or may not write, the name is taken, or by an empty data
            set that is public where this one shall be private or the reverse, or the Hub cannot be
            reached.
        MissingPackageError: huggingface_hub is not installed.
    """
    token = token.strip()
    if not token:
        raise InputError(
            "there is no token for the Hub.",
            "Log in, or make a token that may write at https://huggingface.co/settings/tokens.",
        )
    _check_name(repo_id)
    paths = list_files(folder)
    if not paths:
        raise DataError(f"{folder} has no files to upload.", "Give the folder of a data set.")
    try:
        from huggingface_hub import CommitOperationAdd, HfApi
    except ImportError as error:
        raise MissingPackageError(
            "uploading needs huggingface_hub.", "Run: pip install -r requirements.txt"
        ) from error
    api = HfApi(endpoint=endpoint, token=token)
    if "/" not in repo_id:
        with _explained(token, repo_id):
            repo_id = f"{api.whoami()['name']}/{repo_id}"
    with _explained(token, repo_id):
        _create(api, repo_id, private)
        additions = [
            CommitOperationAdd(path.relative_to(folder).as_posix(), str(path)) for path in paths
        ]
        _upload(api, repo_id, additions, on_progress)
    return f"{api.endpoint}/datasets/{repo_id}"


def _check_name(repo_id: str) -> None:
    parts = repo_id.split("/")
    good = len(parts) <= 2 and all(_NAME.fullmatch(part) for part in parts)
    if not good or "--" in repo_id or ".." in repo_id or repo_id.endswith(".git"):
        raise InputError(
            f"{repo_id[:100]!r} is no name for a data set on the Hub.",
            "Use name or owner/name, of letters, digits, '-', '_' and '.', up to 96 characters.",
        )


def _create(api: HfApi, repo_id: str, private: bool) -> None:
    """Make the repository; one that is there must be empty and as private as wished."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api.create_repo(repo_id, repo_type=_REPO_TYPE, private=private)
    except HfHubHTTPError as error:
        if error.response.status_code != 409:
            raise
        if set(api.list_repo_files(repo_id, repo_type=_REPO_TYPE)) - _NEW_FILES:
            raise HubError(
                f"there is already a data set {repo_id} on the Hub, with files in it.",
                "Choose another name, or delete that one first.",
            ) from error
        # Not told counts as public: nobody else may see what shall be private.
        is_private = bool(api.repo_info(repo_id, repo_type=_REPO_TYPE).private)
        if is_private != private:
            raise HubError(
                f"the data set {repo_id} is on the Hub already, empty but "
                f"{_VISIBILITY[is_private]}; this upload shall be {_VISIBILITY[private]}.",
                "Choose another name, delete that one, or change its visibility in its settings.",
            ) from error


def _upload(
    api: HfApi,
    repo_id: str,
    additions: list[CommitOperationAdd],
    on_progress: Callable[[int, int], None] | None,
) -> None:
    for start in range(0, len(additions), _FILES_PER_COMMIT):
        batch = additions[start : start + _FILES_PER_COMMIT]
        for inner in range(0, len(batch), _FILES_PER_STEP):
            step = batch[inner : inner + _FILES_PER_STEP]
            api.preupload_lfs_files(repo_id, additions=step, repo_type=_REPO_TYPE)
            if on_progress is not None:
                on_progress(start + inner + len(step), len(additions))
        api.create_commit(
            repo_id, batch, commit_message="Add data made with Spotter", repo_type=_REPO_TYPE
        )


@contextmanager
def _explained(token: str, repo_id: str) -> Iterator[None]:
    """Turn what goes wrong at the Hub into our errors, without the token."""
    from huggingface_hub import errors

    # The base of all its HTTP errors; which library that comes from has changed before.
    http_error: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]
    try:
        yield
    except SpotterError:
        raise
    except errors.HfHubHTTPError as error:
        raise _refusal(error.response.status_code, error.server_message, token, repo_id) from None
    except errors.OfflineModeIsEnabled:
        raise HubError(
            "the Hub is switched off on this machine.", "Unset HF_HUB_OFFLINE and start again."
        ) from None
    except (http_error, OSError, RuntimeError, ValueError) as error:
        told = str(error).replace(token, "***")
        raise HubError(f"uploading to the Hub failed: {told}", "Try again.") from None


def _refusal(status: int, told: str | None, token: str, repo_id: str) -> HubError:
    detail = f" ({told.replace(token, '***')})" if told else ""
    if status == 401:
        return HubError(
            f"the Hub does not know this token{detail}.",
            "Log in again, or make a new token at https://huggingface.co/settings/tokens.",
        )
    if status in (402, 403):
        return HubError(
            f"this token may not write to {repo_id}{detail}.",
            "Use a token with the right to write, and your own name as the owner.",
        )
    if status == 429:
        return HubError(f"the Hub has had too many requests{detail}.", "Wait, then try again.")
    return HubError(f"the Hub answered with error {status}{detail}.", "Try again later.")
