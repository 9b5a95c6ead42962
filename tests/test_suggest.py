"""suggest_bins: what is asked, what is accepted, what is refused and why."""

import pytest

from sknumclip import LinguisticBins, suggest_bins

GOOD = '{"child": [0, 13], "teenager": [13, 20], "adult": [20, 100]}'
KWARGS = dict(quantity="the age of a person", low=0, high=100, n_bins=3)


def test_the_question_says_all_that_is_needed():
    questions = []
    suggest_bins(lambda question: questions.append(question) or GOOD, **KWARGS)
    (question,) = questions
    for needed in ("the age of a person", "0", "100", "3", "JSON"):
        assert needed in question


@pytest.mark.parametrize("answer", [GOOD, f"Sure!\n```json\n{GOOD}\n```\nAnything else?"])
def test_good_answers(answer):
    bins = suggest_bins(lambda question: answer, **KWARGS, outside="clip")
    assert bins == LinguisticBins(("child", "teenager", "adult"), (0, 13, 20, 100), outside="clip")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I cannot help with that.", "not contain a JSON object"),
        ('{"child": [0, 13}', "JSON is invalid"),
        ('{"child": [0, 13], "adult": [13, 100]}', "2 bins where 3 were asked"),
        ('{"child": [0, 13], "teen": [14, 20], "adult": [20, 100]}', "gap"),
        ('{"child": [1, 13], "teen": [13, 20], "adult": [20, 100]}', r"\[1, 100\], not \[0, 100\]"),
        ('{"child": [0, 13], "child": [13, 20], "adult": [20, 100]}', "repeated"),
        ('{"child": "young", "teen": [13, 20], "adult": [20, 100]}', "two numbers"),
        (None, "must be a string"),
    ],
)
def test_bad_answers_raise_with_the_reason_and_the_answer(answer, reason):
    with pytest.raises(ValueError, match=reason) as raised:
        suggest_bins(lambda question: answer, **KWARGS)
    assert str(answer)[:20] in str(raised.value)


def test_bad_arguments():
    with pytest.raises(TypeError, match="ask must be a function"):
        suggest_bins(GOOD, **KWARGS)
    with pytest.raises(ValueError, match="low must be less"):
        suggest_bins(lambda question: GOOD, **{**KWARGS, "low": 200})


def test_large_numbers_are_asked_for_digit_by_digit():
    questions = []

    def ask(question):
        questions.append(question)
        return '{"cheap": [0, 200000], "dear": [200000, 1234567]}'

    bins = suggest_bins(ask, quantity="price", low=0, high=1234567, n_bins=2)
    assert bins.edges[-1] == 1234567
    assert "1234567" in questions[0]
