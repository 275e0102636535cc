import pytest

from fcn_edge.data.class_names import difference


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (("a", "b"), ("a", "b", "c"), "X has 2 classes, Y has 3"),
        (("a", "b", "c"), ("a", "d", "c"), "class 1 is 'b' in X and 'd' in Y"),
        (
            ("a", "b", "c"),
            ("c", "b", "a"),
            "class 0 is 'a' in X and 'c' in Y, the same names in another order",
        ),
        (("a", "b"), ["a", "b"], "X and Y have the same classes"),
    ],
)
def test_the_difference_names_what_differs(ours, theirs, expected):
    assert difference("X", ours, "Y", theirs) == expected
