"""Three per cent of the packets lost either way (media.md 22, wire 16), in real browsers."""
import cases
import scenarios


async def test_three_percent_of_loss_either_way_cost_no_picture():
    await scenarios.play_or_fail("loss", "VP8")


if __name__ == "__main__":
    cases.main(globals())
