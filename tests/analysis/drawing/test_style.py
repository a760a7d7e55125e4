"""Colours and markers."""

from analysis.drawing.style import look


def test_a_generator_keeps_its_look_and_an_unknown_one_gets_the_same_every_time() -> None:
    assert look("attention") == ("#009E73", "D")
    assert look("my_own") == look("my_own")
    assert look("my_own") != look("attention")
