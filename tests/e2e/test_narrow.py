"""A receiver whose link is narrowed in mid-call and released again (media.md 22, wire 18), in real browsers."""
import cases
import scenarios


async def test_a_narrow_link_makes_the_picture_smaller_without_a_freeze_and_a_released_one_brings_720p_back():
    await scenarios.play_or_fail("narrow", "VP8")


if __name__ == "__main__":
    cases.main(globals())
