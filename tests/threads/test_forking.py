"""Going on from a message: what is copied, who may, and what is left where it breaks off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError
from django.db.models import QuerySet

from chatkit_app.access import AccessPolicy, Action
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AttachmentNotFound,
    CommandConflict,
    ForkTooLarge,
    MessageNotFound,
    NotAllowed,
    RunConflict,
    ThreadNotFound,
)
from chatkit_app.log.owner_bell import owner_bell
from chatkit_app.models import Attachment, Message, Part, Run, Thread
from chatkit_app.registry import UnknownAssistant
from chatkit_app.runs.attached import read_attachment
from chatkit_app.threads import erase, forking, prune
from chatkit_app.threads.erase import Owner
from chatkit_app.threads.forking import Fork, fork
from tests.history_rows import Turn, add_turns, make_thread
from tests.remains import remains
from tests.runs.desk import a_visitor, carried, retry, say, started, together
from tests.threads.owned_rows import fill, make_attachment

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

MARK = "m4rk"


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def viewer() -> Viewer:
    return a_visitor()


@pytest.fixture
def thread(viewer: Viewer) -> Thread:
    """Three turns of a visitor's."""
    made = make_thread(viewer.visitor, assistant="test", title="Refunds")
    add_turns(made, 3)
    return made


class NoReading(AccessPolicy):
    """A site whose people may not read their threads."""

    def can(self, viewer: Viewer, action: Action, thread: Thread | None = None) -> bool:
        return action is not Action.READ


class NoStarting(AccessPolicy):
    """A site whose assistants have closed."""

    def can_start(self, viewer: Viewer, assistant: str) -> bool:
        return False


class Hiding(AccessPolicy):
    """A site that shows its owners some threads no more."""

    def get_queryset(self, viewer: Viewer) -> QuerySet[Thread]:
        return super().get_queryset(viewer).exclude(title="hidden")


class Broken(FileSystemStorage):
    """A storage that takes one file and no more."""

    taken = 0

    def _save(self, name: str, content: Any) -> str:
        Broken.taken += 1
        if Broken.taken > 1:
            raise OSError("The disk is full.")
        return super()._save(name, content)


def last_of(thread: Thread) -> Message:
    return Message.objects.filter(thread=thread, is_shown=True).latest("depth")


def asked(thread: Thread, message: Message | None = None, **more: Any) -> Fork:
    last = message or last_of(thread)
    return Fork(thread_id=thread.pk, message_id=last.pk, **more)


def texts(thread: Thread) -> list[str]:
    rows = Part.objects.filter(message__thread=thread, message__is_shown=True)
    return list(rows.order_by("message__depth", "index").values_list("text", flat=True))


def give_file(message: Message, mark: str = MARK) -> Attachment:
    row = make_attachment(message.thread.visitor, mark, message.thread)
    Part.objects.create(
        message=message,
        index=50,
        kind="file",
        state="complete",
        attachment=row,
        data={"name": row.name, "mediaType": row.media_type, "size": row.size},
        position=1,
    )
    return row


def files_in(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def test_a_fork_has_what_was_said_down_to_the_message_and_no_more(
    viewer: Viewer, thread: Thread
) -> None:
    before = texts(thread)
    second = Message.objects.get(thread=thread, depth=3)

    made, is_new = fork(viewer, asked(thread, second))

    assert is_new
    assert texts(made) == before[:4]
    assert texts(thread) == before
    assert (made.assistant, made.title, made.owner_key) == (
        "test",
        "Refunds",
        viewer.key,
    )
    assert made.status == "open"
    assert not made.is_unread


def test_a_fork_is_gone_on_with(viewer: Viewer) -> None:
    thread = carried(viewer, "say One.").thread

    made, _ = fork(viewer, asked(thread))
    run = carried(viewer, "say Two.", made.pk)

    assert run.status == "completed"
    assert (run.copy_of, run.answer.depth) == (None, 3)
    assert Message.objects.filter(thread=thread).count() == 2


def test_a_fork_may_have_a_title_of_its_own(viewer: Viewer, thread: Thread) -> None:
    made, _ = fork(viewer, asked(thread, title="Another"))

    assert (made.title, made.title_source) == ("Another", "person")


def test_who_has_written_the_old_title_is_kept(viewer: Viewer, thread: Thread) -> None:
    Thread.objects.update(title_source="model")

    made, _ = fork(viewer, asked(thread))

    made.refresh_from_db()
    assert (made.title, made.title_source) == ("Refunds", "model")


def test_another_branch_stays_behind(viewer: Viewer, thread: Thread) -> None:
    last = last_of(thread)
    Message.objects.filter(pk=last.pk).update(is_shown=False)
    other = Message.objects.create(
        thread=thread,
        parent=last.parent,
        depth=last.depth,
        role="assistant",
        status="complete",
    )

    made, _ = fork(viewer, asked(thread))

    assert Message.objects.filter(thread=made).count() == 6
    with pytest.raises(MessageNotFound):
        fork(viewer, asked(thread, last))
    assert other.is_shown


def test_an_answer_that_is_being_written_can_not_be_gone_on_from(
    viewer: Viewer,
) -> None:
    run = started(viewer, "say One.")

    with pytest.raises(RunConflict):
        fork(viewer, asked(run.thread))

    made, _ = fork(viewer, asked(run.thread, run.prompt))
    assert not Run.objects.filter(thread=made).exists()
    assert texts(made) == ["say One."]


def test_another_viewers_thread_is_as_good_as_missing(thread: Thread) -> None:
    with pytest.raises(ThreadNotFound):
        fork(a_visitor(), asked(thread))


def test_a_message_of_another_thread_is_not_found(
    viewer: Viewer, thread: Thread
) -> None:
    other = make_thread(viewer.visitor, assistant="test")
    [message, _answer] = add_turns(other, 1)

    with pytest.raises(MessageNotFound):
        fork(viewer, asked(thread, message))


@pytest.mark.parametrize("policy", ["NoReading", "NoStarting"])
def test_a_policy_that_does_not_let_them_read_or_start_lets_nobody_fork(
    settings, viewer: Viewer, thread: Thread, policy: str
) -> None:
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.{policy}"

    with pytest.raises(NotAllowed):
        fork(viewer, asked(thread))

    assert Thread.objects.count() == 1


def test_what_has_lost_its_assistant_is_not_gone_on_with(
    viewer: Viewer, thread: Thread
) -> None:
    Thread.objects.update(assistant="gone")

    with pytest.raises(UnknownAssistant):
        fork(viewer, asked(thread))


def test_the_same_external_id_is_the_same_fork(
    viewer: Viewer, thread: Thread, media: Path
) -> None:
    give_file(last_of(thread))

    first, is_new = fork(viewer, asked(thread, external_id="one"))
    again, is_new_again = fork(viewer, asked(thread, external_id="one"))

    assert (is_new, is_new_again) == (True, False)
    assert again == first
    assert Thread.objects.count() == 2
    assert len(files_in(media)) == 2


def test_of_two_forks_of_one_name_at_once_one_is_made(
    viewer: Viewer, thread: Thread, media: Path
) -> None:
    give_file(last_of(thread))
    wanted = asked(thread, external_id="one")

    found = together([lambda: fork(viewer, wanted)] * 2)

    assert len({made.pk for made, _ in found}) == 1
    assert sorted(is_new for _, is_new in found) == [False, True]
    assert Thread.objects.count() == 2
    assert Attachment.objects.filter(status="waiting").count() == 0
    assert len(files_in(media)) == 2


def test_a_name_that_a_hidden_thread_has_is_refused_and_nothing_is_left(
    settings, viewer: Viewer, thread: Thread, media: Path
) -> None:
    give_file(last_of(thread))
    hidden = make_thread(viewer.visitor, assistant="test", title="hidden")
    Thread.objects.filter(pk=hidden.pk).update(external_id="one")
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.Hiding"

    with pytest.raises(CommandConflict):
        fork(viewer, asked(thread, external_id="one"))

    assert Attachment.objects.count() == 1
    assert len(files_in(media)) == 1


def test_there_may_be_as_many_messages_and_no_more(
    viewer: Viewer, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forking, "MESSAGES", 5)

    with pytest.raises(ForkTooLarge):
        fork(viewer, asked(thread))

    fork(viewer, asked(thread, Message.objects.get(thread=thread, depth=4)))
    assert Thread.objects.count() == 2


def test_files_that_are_too_large_together_are_not_copied(
    viewer: Viewer, thread: Thread, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_file(last_of(thread))
    monkeypatch.setattr(forking, "FILES_BYTES", len(MARK) - 1)

    with pytest.raises(ForkTooLarge):
        fork(viewer, asked(thread))

    assert len(files_in(media)) == 1


def test_a_fork_whose_end_nobody_heard_of_keeps_its_files(
    viewer: Viewer, thread: Thread, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_file(last_of(thread))

    def ends(_pk: UUID) -> None:
        raise RuntimeError("The process ends.")

    with monkeypatch.context() as patch:
        patch.setattr(owner_bell, "ring_thread", ends)
        with pytest.raises(RuntimeError):
            fork(viewer, asked(thread))

    made = Thread.objects.exclude(pk=thread.pk).get()
    assert Attachment.objects.filter(thread=made, status="sent").count() == 1
    assert len(files_in(media)) == 2


def test_a_copy_that_another_message_has_taken_stays_its(
    viewer: Viewer, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_file(last_of(thread))
    other = make_thread(viewer.visitor, assistant="test")
    copy_files = forking._copy_files

    def then_sent(*what: Any) -> dict[UUID, UUID]:
        files = copy_files(*what)
        copies = Attachment.objects.filter(pk__in=files.values())
        copies.update(thread=other, status="sent", expires_at=None)
        return files

    monkeypatch.setattr(forking, "_copy_files", then_sent)
    with pytest.raises(RunConflict):
        fork(viewer, asked(thread))

    assert Attachment.objects.filter(thread=other).count() == 1


def test_who_is_erased_while_a_file_is_copied_leaves_none(
    viewer: Viewer, thread: Thread, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_file(last_of(thread))
    save = FileSystemStorage._save

    def then_erased(self: FileSystemStorage, name: str, content: Any) -> str:
        kept = save(self, name, content)
        erase.erase_owner(Owner(key=viewer.key))
        return kept

    monkeypatch.setattr(FileSystemStorage, "_save", then_erased)
    with pytest.raises(AttachmentNotFound):
        fork(viewer, asked(thread))

    assert not Attachment.objects.exists()
    assert files_in(media) == []


def test_a_file_is_copied_with_its_message(viewer: Viewer, thread: Thread) -> None:
    old = give_file(last_of(thread))

    made, _ = fork(viewer, asked(thread))

    new = Attachment.objects.get(thread=made)
    part = Part.objects.get(message__thread=made, kind="file")
    assert part.attachment == new
    assert (new.status, new.expires_at, new.owner_key) == ("sent", None, viewer.key)
    assert new.file.name != old.file.name
    assert read_attachment(str(new.pk)) == MARK.encode()


def test_a_file_that_is_gone_stays_gone(viewer: Viewer, thread: Thread) -> None:
    old = give_file(last_of(thread))
    old.file.storage.delete(old.file.name)

    made, _ = fork(viewer, asked(thread))

    new = Attachment.objects.get(thread=made)
    assert read_attachment(str(new.pk)) is None
    part = Part.objects.get(message__thread=made, kind="file")
    assert part.data["name"] == f"{MARK}.txt"


def test_a_file_whose_row_is_gone_is_remembered_by_name(
    viewer: Viewer, thread: Thread
) -> None:
    give_file(last_of(thread)).delete()

    made, _ = fork(viewer, asked(thread))

    part = Part.objects.get(message__thread=made, kind="file")
    assert (part.attachment, part.data["name"]) == (None, f"{MARK}.txt")


def test_where_the_rows_can_not_be_written_no_file_is_left(
    viewer: Viewer, thread: Thread, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_file(last_of(thread))

    def broken(*_what: object) -> None:
        raise OperationalError("The connection is lost.")

    monkeypatch.setattr(forking, "copy_messages", broken)
    with pytest.raises(OperationalError):
        fork(viewer, asked(thread))

    assert Thread.objects.count() == 1
    assert Attachment.objects.count() == 1
    assert len(files_in(media)) == 1


def test_where_a_file_can_not_be_written_nothing_is_left(
    settings, viewer: Viewer, thread: Thread, media: Path
) -> None:
    for message in Message.objects.filter(thread=thread, role="user"):
        give_file(message)
    Broken.taken = 0
    field = Attachment._meta.get_field("file")
    was, field.storage = field.storage, Broken()
    try:
        with pytest.raises(OSError, match="full"):
            fork(viewer, asked(thread))
    finally:
        field.storage = was

    assert Thread.objects.count() == 1
    assert Attachment.objects.count() == 3
    assert len(files_in(media)) == 3


def test_what_a_process_leaves_that_dies_in_the_middle_is_pruned(
    viewer: Viewer, thread: Thread, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_file(last_of(thread))

    def dies(*_what: object) -> Iterator[None]:
        raise SystemExit

    monkeypatch.setattr(forking, "_fork", dies)
    monkeypatch.setattr(forking, "_throw_away", lambda files: None)
    with pytest.raises(SystemExit):
        fork(viewer, asked(thread))
    assert Attachment.objects.filter(status="waiting", thread=None).count() == 1

    Attachment.objects.filter(status="waiting").update(expires_at=thread.created_at)
    forking.throw_away(prune.expired())

    assert Attachment.objects.count() == 1
    assert len(files_in(media)) == 1


def test_a_file_that_was_sent_while_others_were_copied_refuses_the_fork(
    viewer: Viewer, thread: Thread, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_files = forking._copy_files

    def copied_then_sent(*what: Any) -> dict[UUID, UUID]:
        files = copy_files(*what)
        give_file(last_of(thread))
        return files

    monkeypatch.setattr(forking, "_copy_files", copied_then_sent)
    with pytest.raises(RunConflict):
        fork(viewer, asked(thread))

    assert Thread.objects.count() == 1


def test_the_owners_other_pages_hear_of_the_fork(
    viewer: Viewer, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[UUID] = []
    monkeypatch.setattr(owner_bell, "ring_thread", lambda pk, **_how: rung.append(pk))

    made, _ = fork(viewer, asked(thread))

    assert rung == [made.pk]


def test_erasing_the_original_leaves_the_fork_whole(viewer: Viewer) -> None:
    thread = fill(viewer.visitor, MARK)
    Thread.objects.update(assistant="test")
    made, _ = fork(viewer, asked(thread))
    whole = texts(made)
    messages = [
        str(pk)
        for pk in Message.objects.filter(thread=thread).values_list("pk", flat=True)
    ]

    erase.erase_thread(thread.pk)

    assert remains(str(thread.pk), *messages) == []
    assert texts(made) == whole
    file = Attachment.objects.get(thread=made)
    assert read_attachment(str(file.pk)) == MARK.encode()


def test_erasing_the_fork_leaves_the_original_as_it_was(viewer: Viewer) -> None:
    thread = fill(viewer.visitor, MARK)
    Thread.objects.update(assistant="test")
    before, whole = remains(MARK), texts(thread)
    made, _ = fork(viewer, asked(thread))
    messages = [
        str(pk)
        for pk in Message.objects.filter(thread=made).values_list("pk", flat=True)
    ]

    erase.erase_thread(made.pk)

    assert remains(str(made.pk), *messages) == []
    assert remains(MARK) == before
    assert texts(thread) == whole
    file = Attachment.objects.get(thread=thread)
    assert read_attachment(str(file.pk)) == MARK.encode()


def test_nothing_of_a_fork_is_left_when_its_owner_is_erased(
    viewer: Viewer, media: Path
) -> None:
    thread = fill(viewer.visitor, MARK)
    Thread.objects.update(assistant="test")
    fork(viewer, asked(thread))

    assert erase.erase_owner(Owner(key=viewer.key)) == 2

    assert remains(MARK, str(viewer.visitor)) == []
    assert files_in(media) == []


def test_a_copied_answer_can_be_asked_for_again(viewer: Viewer) -> None:
    thread = Thread.objects.get(pk=say(viewer, "say One.")["thread"])
    run = Run.objects.get(thread=thread)
    turn = Turn(prompt=run.prompt, answer=run.answer, run=run, step=None)  # type: ignore[arg-type]
    turn.end("failed", error_code="provider_error")

    made, _ = fork(viewer, asked(thread))
    copy = Run.objects.get(thread=made)
    again = Run.objects.get(pk=retry(viewer, copy)["run"])
    assert (again.thread, again.copy_of) == (made, None)
