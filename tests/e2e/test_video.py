"""Pictures in real browsers: narrow links, loss, who looks at whom, every codec (media.md 22, the browser's part).

The camera gives 15 pictures per second, so that two cores can encode 720p for two senders: what is judged here is the
bridge, not the machine.
"""
import cases
import matrix
import netns
import scenarios


async def play(name, codec):
    reason = netns.missing()
    if reason:
        raise cases.Skip(reason)
    story = await scenarios.play(name, codec)
    assert story.passed, "; ".join(f"{what}: {measured}, promised {limit}"
                                   for what, measured, limit, ok in story.promises if not ok)


async def test_a_narrow_link_makes_the_picture_smaller_without_a_freeze_and_a_released_one_brings_720p_back():
    await play("narrow", "VP8")


async def test_whoever_comes_on_stage_is_seen_in_720p_and_the_others_in_180p():
    await play("stage", "VP9")


async def test_a_sender_whom_nobody_looks_at_sends_nothing_and_is_back_at_once():
    await play("unviewed", "H264")


async def test_three_percent_of_loss_either_way_cost_no_picture():
    await play("loss", "VP8")


async def test_chromium_and_firefox_see_each_other_in_each_codec_that_they_have():
    rows = await matrix.run(["VP8", "VP9", "H264"])
    assert not [row for row in rows if "WRONG" in row[-1]]
    assert sum(row[-1] == "ok" for row in rows) >= 9  # Chromium's H.264 and everybody's VP8 and VP9, at least


test_chromium_and_firefox_see_each_other_in_each_codec_that_they_have.timeout_s = 200

if __name__ == "__main__":
    cases.main(globals())
