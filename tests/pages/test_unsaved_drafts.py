from pages._ui.subject.unsaved_drafts import UnsavedDrafts


def test_the_ones_looked_at_last_are_held() -> None:
    drafts = UnsavedDrafts[str](most=2, most_bytes=100)
    drafts.put("a", "first", size=10)
    drafts.put("b", "second", size=10)
    drafts.put("a", "first, painted", size=10)
    drafts.put("c", "third", size=10)
    assert [drafts.get(mark) for mark in "abc"] == ["first, painted", None, "third"]


def test_large_files_leave_no_room_for_others_but_are_held_themselves() -> None:
    drafts = UnsavedDrafts[str](most=9, most_bytes=100)
    drafts.put("a", "small", size=10)
    drafts.put("b", "large", size=1000)
    assert [drafts.get(mark) for mark in "ab"] == [None, "large"]
