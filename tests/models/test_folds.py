"""Who is learnt from and who is tested on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ModelError
from models.folds import from_file, k_folds, leave_one_out, random_split, require_strangers

PERSONS = [f"p{n % 9}" for n in range(60)]


@given(st.lists(st.sampled_from("abcdefgh"), min_size=3, max_size=60), st.integers(2, 8), st.integers(0, 99))
def test_no_person_is_ever_on_two_sides(persons: list[str], k: int, seed: int) -> None:
    if len(set(persons)) < k:
        with pytest.raises(ModelError, match="person"):
            k_folds(persons, k, seed)
        return
    folds = k_folds(persons, k, seed)
    for fold in folds:
        sides = [{persons[n] for n in side} for side in (fold.train, fold.validation, fold.test)]
        assert not sides[0] & sides[1]
        assert not (sides[0] | sides[1]) & sides[2]
        assert sorted((*fold.train, *fold.validation, *fold.test)) == list(range(len(persons)))
    assert sorted(n for fold in folds for n in fold.test) == list(range(len(persons)))
    assert require_strangers(folds, allowed=False) is None


def test_leave_one_out_tests_on_each_person_once() -> None:
    folds = leave_one_out(PERSONS)
    assert [fold.name for fold in folds] == [f"without-p{n}" for n in range(9)]
    assert all({PERSONS[n] for n in fold.test} == {fold.name.removeprefix("without-")} for fold in folds)


def test_two_persons_are_the_fewest_and_leave_nobody_to_validate_on() -> None:
    with pytest.raises(ModelError, match="1 person; testing on strangers needs 2"):
        leave_one_out(["a", "a"])
    assert leave_one_out(["a", "b"])[0].validation == ()


def test_the_same_seed_gives_the_same_folds() -> None:
    assert k_folds(PERSONS, 3, 1) == k_folds(PERSONS, 3, 1)
    assert k_folds(PERSONS, 3, 1) != k_folds(PERSONS, 3, 2)


def test_a_random_split_says_whom_it_shares() -> None:
    fold = random_split(PERSONS, 0.2)
    assert len(fold.test) == 12
    assert fold.shared
    with pytest.raises(ModelError, match="both learnt from and tested on"):
        require_strangers([fold], allowed=False)
    stamp = require_strangers([fold], allowed=True)
    assert stamp is not None
    assert stamp.startswith("NOT subject-independent")


def test_a_fold_file_names_its_test_persons(tmp_path: Path) -> None:
    file = tmp_path / "folds.csv"
    file.write_text("fold,subject,split\n1,p0,test\n1,p1,val\n2,p2,\n")
    first, second = from_file(file, [str(n) for n in range(60)], PERSONS)
    assert {PERSONS[n] for n in first.test} == {"p0"}
    assert {PERSONS[n] for n in first.validation} == {"p1"}
    assert {PERSONS[n] for n in second.test} == {"p2"}
    assert not first.shared


def test_a_fold_file_by_path_that_shares_persons_is_found(tmp_path: Path) -> None:
    file = tmp_path / "folds.csv"
    file.write_text("fold,path\n1,0\n1,1\n")
    (fold,) = from_file(file, [str(n) for n in range(60)], PERSONS)
    assert fold.shared == ("p0", "p1")


@pytest.mark.parametrize("text", ["", "fold,subject\n", "subject\np1\n", "fold,subject\n1,nobody\n"])
def test_bad_fold_files_are_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "folds.csv"
    file.write_text(text)
    with pytest.raises(ModelError, match=r"folds\.csv"):
        from_file(file, [str(n) for n in range(60)], PERSONS)
