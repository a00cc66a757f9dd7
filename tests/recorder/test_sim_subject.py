"""Who sits before the simulated cameras: traits from one integer, like people in a laboratory."""

from dataclasses import asdict, fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from recorder.sim.colours import blackbody, from_lab, from_rgb, mix, skin
from recorder.sim.subject import AGE_BANDS, draw_traits, vary
from recorder.sim.traits import Traits

MANY = 500


@pytest.fixture(scope="module")
def people() -> list[Traits]:
    return [draw_traits(seed) for seed in range(MANY)]


def test_one_seed_is_one_subject() -> None:
    assert draw_traits(7) == draw_traits(7)
    assert draw_traits(7) != draw_traits(8)


def test_women_and_men_are_equally_likely(people: list[Traits]) -> None:
    share = np.mean([person.sex == "f" for person in people])
    assert 0.43 < share < 0.57


def test_three_in_ten_wear_glasses(people: list[Traits]) -> None:
    share = np.mean([person.glasses is not None for person in people])
    assert 0.24 < share < 0.36


def test_glasses_can_be_asked_for_or_ruled_out_without_changing_the_person() -> None:
    for seed in range(30):
        as_drawn, worn, bare = draw_traits(seed), draw_traits(seed, glasses=True), draw_traits(seed, glasses=False)
        assert worn.glasses is not None
        assert bare.glasses is None
        assert as_drawn in (worn, bare)
        assert {k: v for k, v in asdict(worn).items() if k != "glasses"} == {
            k: v for k, v in asdict(bare).items() if k != "glasses"
        }


def test_eyes_are_30_to_40_cm_from_the_event_camera(people: list[Traits]) -> None:
    distances = np.array([person.distance_mm for person in people])
    assert distances.min() >= 300
    assert distances.max() <= 400
    assert np.ptp(distances) > 90


def test_only_men_have_beards_and_only_women_make_up(people: list[Traits]) -> None:
    for person in people:
        if person.sex == "f":
            assert person.beard.style == "none"
            assert person.beard.density == 0
        else:
            assert person.makeup.lips == person.makeup.liner == person.makeup.blush == 0
    styles = {person.beard.style for person in people}
    assert styles == {"none", "stubble", "moustache", "full"}


def test_most_are_of_a_students_age(people: list[Traits]) -> None:
    assert {person.age_band for person in people} == set(AGE_BANDS)
    assert np.mean([20 <= person.age_years < 40 for person in people]) > 0.75


def test_skin_covers_very_light_to_dark(people: list[Traits]) -> None:
    """The classes of the individual typology angle: above 55 very light, below -30 dark (Chardon et al. 1991)."""
    angles = np.array([person.skin.ita_deg for person in people])
    counts, _ = np.histogram(angles, bins=(-90, -30, 10, 28, 41, 55, 90))
    assert (counts >= MANY * 0.02).all()


def test_dark_skin_has_dark_hair_and_brown_eyes(people: list[Traits]) -> None:
    dark = [person for person in people if person.skin.ita_deg < 0 and person.age_years < 35]
    assert all(max(person.hair.colour_bgr) < 0.1 for person in dark)
    assert all(person.eyes.colour_bgr[2] > person.eyes.colour_bgr[0] for person in dark)


def test_every_hair_style_occurs_and_young_people_are_seldom_bald(people: list[Traits]) -> None:
    assert {person.hair.style for person in people} == {"bald", "receding", "short", "tied", "medium", "long"}
    young = [person for person in people if person.age_years < 25]
    assert np.mean([person.hair.style in ("bald", "receding") for person in young]) < 0.1


def test_old_hair_is_grey(people: list[Traits]) -> None:
    old = [person for person in people if person.age_years > 58]
    young = [person for person in people if person.age_years < 35 and person.skin.ita_deg > 35]

    def colourfulness(group: list[Traits]) -> float:
        return float(np.mean([np.ptp(person.hair.colour_bgr) / np.mean(person.hair.colour_bgr) for person in group]))

    assert colourfulness(old) < 0.7 * colourfulness(young)


def _numbers(thing: Any) -> list[float]:
    if is_dataclass(thing):
        return [number for field in fields(thing) for number in _numbers(getattr(thing, field.name))]
    if isinstance(thing, tuple):
        return [number for part in thing for number in _numbers(part)]
    return [float(thing)] if isinstance(thing, float) else []


def test_all_numbers_are_finite_and_colours_are_reflectances(people: list[Traits]) -> None:
    for person in people:
        assert np.isfinite(_numbers(person)).all()
        for colour in (person.skin.colour_bgr, person.mouth.lips_bgr, person.hair.colour_bgr, person.eyes.sclera_bgr):
            assert all(0 < channel <= 1 for channel in colour)


def test_light_comes_from_the_front_and_is_a_unit_vector(people: list[Traits]) -> None:
    directions = np.array([person.light.direction for person in people])
    assert np.allclose(np.linalg.norm(directions, axis=1), 1)
    assert (directions[:, 1:] > 0).all()  # from above, from the cameras' side


def test_another_session_keeps_the_person_and_changes_light_and_seat() -> None:
    person = draw_traits(11)
    again = vary(person, 1)
    assert again == vary(person, 1)
    assert again != vary(person, 2)
    for name in (
        "sex",
        "age_years",
        "identity_seed",
        "skin",
        "eyes",
        "brows",
        "hair",
        "beard",
        "glasses",
        "clothes",
        "background",
    ):
        assert getattr(again, name) == getattr(person, name)
    assert again.light != person.light
    assert again.distance_mm != person.distance_mm
    assert 300 <= again.distance_mm <= 400


def test_groups_of_traits_are_drawn_independently() -> None:
    """Taking the glasses' stream away or using more of it may not change another group: streams are spawned by group."""
    lights = {draw_traits(seed).light.azimuth_deg for seed in range(20)}
    walls = {draw_traits(seed).background.texture_seed for seed in range(20)}
    assert len(lights) == len(walls) == 20
    with_glasses = [draw_traits(seed, glasses=True) for seed in range(200)]
    widths = [person.glasses.lens_width_mm for person in with_glasses if person.glasses]
    azimuths = [person.light.azimuth_deg for person in with_glasses]
    assert abs(np.corrcoef(widths, azimuths)[0, 1]) < 0.2


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        draw_traits(-1)


def test_white_is_white_and_colours_are_linear_bgr() -> None:
    assert from_lab(100, 0, 0) == pytest.approx((1, 1, 1), abs=0.002)
    assert from_rgb(255, 0, 0) == (0, 0, 1)
    assert from_rgb(188, 188, 188) == pytest.approx((0.5, 0.5, 0.5), abs=0.005)
    assert mix((0, 0, 0), (1, 1, 1), 0.25) == (0.25, 0.25, 0.25)


def test_skin_gets_darker_as_the_typology_angle_falls() -> None:
    lightness = [sum(skin(angle, 0)) for angle in (60, 40, 20, 0, -20, -40)]
    assert lightness == sorted(lightness, reverse=True)
    assert all(skin(angle, 0)[2] > skin(angle, 0)[1] > skin(angle, 0)[0] for angle in (60, 0, -40))


def test_light_of_6500_kelvin_is_white_and_of_3000_kelvin_is_warm() -> None:
    assert blackbody(6500) == pytest.approx((1, 1, 1), abs=0.06)
    blue, green, red = blackbody(3000)
    assert red == 1
    assert red > green > blue
