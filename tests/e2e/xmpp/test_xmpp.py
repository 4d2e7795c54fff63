#!/usr/bin/python3
"""xmpp/ against a real Prosody. BUILD_DIR tells where the build is (default: build). Numbers in the docstrings are those of
the protocol document's section "How to verify".

Limits of time say what is wanted, with room for a machine that is busy: each is far from what the wrong behaviour takes."""
import asyncio
import os
import pathlib
import re
import sys
import time
import xml.etree.ElementTree as ET

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import cases
import support
from support import DOMAIN, MUC, MUC_USER, Driver, Prosody, condition, person, text_of, until

PROGRAM = None
PLAIN = None    # a server without TLS, shared
SECURE = None   # one with
COUNTER = [0]


def bridge(server, **more):
    """Arguments for one connection, with a room and a nickname that nobody else uses."""
    COUNTER[0] += 1
    group = dict(id='shard', hostname='127.0.0.1', port=server.port, domain=DOMAIN, username='jvb',
                 password=support.PASSWORDS['jvb'], rooms=f'brewery{COUNTER[0]}@{MUC}', nickname=f'bridge{COUNTER[0]}',
                 security=1)
    return {**group, **more}


def occupant(group):
    return group['rooms'].split(',')[0] + '/' + group['nickname']


async def scene(server, **more):
    """A bridge in its room and the focus watching it: (group, driver, focus)."""
    group = bridge(server, **more)
    focus = await person(server, 'focus', f"focus{group['nickname']}")
    focus.join(group['rooms'].split(',')[0], 'focus')
    driver = await Driver(PROGRAM, group).start()
    await focus.sees(occupant(group))
    return group, driver, focus


async def ended(driver, *people):
    await support.leave(*people)
    assert await driver.stop() == 0, driver.log


HEALTH = "<healthcheck xmlns='http://jitsi.org/protocol/healthcheck'/>"
MODIFY = "<conference-modify xmlns='jitsi:colibri2' meeting-id='{}'/>"


async def test_presence_has_the_recorded_shape_and_comes_on_time():
    """colibri2 16.1"""
    group, driver, focus = await scene(PLAIN)
    start = time.monotonic()
    await until(lambda: len(focus.stats(occupant(group), start)) >= 3, 20, 'three presences')
    seen = focus.stats(occupant(group), start)[:3]
    for (a, _), (b, _) in zip(seen, seen[1:]):
        assert 4 < b - a < 7, b - a
    for _, stats in seen:
        assert stats['drain'] == 'false' and stats['healthy'] == 'true', stats
        assert 'region' not in stats, 'a stat without value must be left out'
        float(stats['stress_level']), float(stats['average_participant_stress'])
        assert re.fullmatch(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}', stats['current_timestamp']), stats
    stamps = [stats['current_timestamp'] for _, stats in seen]
    assert len(set(stamps)) == 3, 'the stats must be fresh each time'
    for _, presence in focus.presences(occupant(group)):
        assert presence.find('{http://jabber.org/protocol/muc}x') is None
        c = presence.find('{http://jabber.org/protocol/caps}c')
        assert c.get('hash') == 'sha-1' and c.get('node') and c.get('ver')
    for _, presence in focus.presences(occupant(group))[:1]:
        assert presence.find(support.STATS) is not None, 'stats must be in the very first presence'
        assert presence.find(MUC_USER) is not None
    await ended(driver, focus)


async def test_a_changed_state_is_pushed_at_once():
    group, driver, focus = await scene(PLAIN)
    start = time.monotonic()
    driver.say('drain on')
    await until(lambda: any(s['drain'] == 'true' for _, s in focus.stats(occupant(group), start)), 3, 'drain')
    driver.say('drain off')
    await until(lambda: focus.stats(occupant(group), start)[-1][1]['drain'] == 'false', 3, 'drain off')
    await ended(driver, focus)


async def test_a_new_room_is_configured_so_that_addresses_are_seen():
    """colibri2 16.2"""
    group = bridge(PLAIN)
    driver = await Driver(PROGRAM, group).start()
    await driver.status('status shard 1 1')
    stranger = await person(PLAIN, 'stranger', 'x')
    info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    while b'muc_nonanonymous' not in ET.tostring(await stranger.ask(group['rooms'], info)):
        await asyncio.sleep(0.05)
    stranger.join(group['rooms'], 'nosy')
    _, presence = (await until(lambda: stranger.presences(occupant(group)), 5, 'the bridge'))[0]
    jid = presence.find(MUC_USER).find('{http://jabber.org/protocol/muc#user}item').get('jid')
    assert jid and jid.startswith('jvb@auth.test/'), 'a plain participant must see the real address'
    await ended(driver, stranger)


async def test_the_focus_gets_every_answer():
    """colibri2 16.3, 16.5"""
    group, driver, focus = await scene(PLAIN)
    to = occupant(group)
    for kind in ('get', 'set'):
        start = time.monotonic()
        answer = await focus.ask(to, HEALTH, kind)
        assert answer.get('type') == 'result' and len(answer) == 0 and time.monotonic() - start < 3
    driver.say('healthy off')
    await asyncio.sleep(0.1)
    answer = await focus.ask(to, HEALTH)
    assert condition(answer) == 'internal-server-error' and text_of(answer) == 'unwell on purpose'
    answer = await focus.ask(to, MODIFY.format('m1'))
    assert answer.get('type') == 'result' and answer[0].tag == '{jitsi:colibri2}conference-modified'
    assert (await focus.ask(to, "<ping xmlns='urn:xmpp:ping'/>")).get('type') == 'result'
    answer = await focus.ask(to, "<query xmlns='jabber:iq:version'/>")
    version = '{jabber:iq:version}'
    assert answer[0].findtext(version + 'version') == '0.1.0' and answer[0].findtext(version + 'name')
    for name in ('force-shutdown', 'graceful-shutdown'):
        answer = await focus.ask(to, f"<{name} xmlns='http://jitsi.org/protocol/colibri'/>")
        assert condition(answer) == 'service-unavailable' and text_of(answer).startswith('Unsupported IQ request')
    for payload in ("<stats xmlns='http://jitsi.org/protocol/colibri'/>", "<query xmlns='what:is:this'/>",
                    "<conference xmlns='http://jitsi.org/protocol/colibri'/>", "<conference-modify xmlns='jitsi:colibri3'/>"):
        for kind in ('get', 'set'):
            assert condition(await focus.ask(to, payload, kind)) == 'feature-not-implemented', payload
    assert driver.process.returncode is None
    await ended(driver, focus)


async def test_disco_matches_the_hash_in_presence():
    """XEP-0115 5.1, computed here from what disco#info says"""
    import base64
    import hashlib
    group, driver, focus = await scene(PLAIN)
    answer = await focus.ask(occupant(group), "<query xmlns='http://jabber.org/protocol/disco#info'/>")
    ns = '{http://jabber.org/protocol/disco#info}'
    features = sorted(f.get('var') for f in answer[0].findall(ns + 'feature'))
    for needed in ('http://jitsi.org/protocol/healthcheck', 'urn:xmpp:jingle:apps:dtls:0', 'jabber:iq:version',
                   'urn:xmpp:jingle:transports:ice-udp:1', 'urn:xmpp:ping', 'http://jabber.org/protocol/disco#info'):
        assert needed in features, needed
    identity = answer[0].find(ns + 'identity')
    text = f"{identity.get('category')}/{identity.get('type')}//{identity.get('name')}<" + ''.join(f + '<' for f in features)
    ver = base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()
    _, presence = focus.presences(occupant(group))[0]
    c = presence.find('{http://jabber.org/protocol/caps}c')
    assert c.get('ver') == ver, (c.get('ver'), ver)
    answer = await focus.ask(occupant(group), f"<query xmlns='{ns[1:-1]}' node='{c.get('node')}#{ver}'/>")
    assert answer[0].get('node') == f"{c.get('node')}#{ver}"
    answer = await focus.ask(occupant(group), f"<query xmlns='{ns[1:-1]}' node='nowhere'/>")
    assert condition(answer) == 'item-not-found'
    await ended(driver, focus)


async def test_who_is_not_in_the_room_may_ask_nothing():
    """colibri2 16.4"""
    group, driver, focus = await scene(PLAIN)
    real = focus.presences(occupant(group))[0][1].find(MUC_USER)[0].get('jid')
    stranger = await person(PLAIN, 'stranger', 'x')
    for payload in (HEALTH, MODIFY.format('m1'), "<query xmlns='jabber:iq:version'/>",
                    "<force-shutdown xmlns='http://jitsi.org/protocol/colibri'/>"):
        for kind in ('get', 'set'):
            answer = await stranger.ask(real, payload, kind)
            assert condition(answer) == 'forbidden' and text_of(answer) is None, payload
    assert condition(await stranger.ask(real, "<query xmlns='what:is:this'/>")) == 'feature-not-implemented'
    assert (await stranger.ask(real, "<ping xmlns='urn:xmpp:ping'/>")).get('type') == 'result'
    await ended(driver, focus, stranger)


async def test_answers_keep_the_order_of_the_requests():
    """colibri2 1.1, 16.8: a slow one holds the later ones back; one that is never answered does so for 14 s only"""
    group, driver, focus = await scene(PLAIN)
    names = ['later-400', 'm1', 'later-50', 'm2']
    stanzas = ''.join(f"<iq to='{occupant(group)}' type='get' id='order-{i}'>{MODIFY.format(n)}</iq>"
                      for i, n in enumerate(names))
    focus.send_raw(stanzas)
    await until(lambda: [e for _, e in focus.seen if e.get('id') == 'order-3'], 5, 'the last answer')
    assert [e.get('id') for _, e in focus.seen if (e.get('id') or '').startswith('order-')] == [f'order-{i}' for i in range(4)]
    start = time.monotonic()
    late = asyncio.ensure_future(focus.ask(occupant(group), MODIFY.format('never'), timeout=20))
    await asyncio.sleep(0.2)
    behind = await focus.ask(occupant(group), MODIFY.format('m3'), timeout=20)
    assert condition(await late) == 'internal-server-error' and behind.get('type') == 'result'
    assert 13.5 < time.monotonic() - start < 15
    await ended(driver, focus)


async def test_a_thousand_requests_in_one_write():
    """colibri2 16.8"""
    group, driver, focus = await scene(PLAIN)
    focus.send_raw(''.join(f"<iq to='{occupant(group)}' type='get' id='many-{i}'>{MODIFY.format('m')}</iq>"
                           for i in range(1000)))
    await until(lambda: [e for _, e in focus.seen if e.get('id') == 'many-999'], 20, 'the last answer')
    ids = [e.get('id') for _, e in focus.seen if (e.get('id') or '').startswith('many-')]
    assert ids == [f'many-{i}' for i in range(1000)]
    await ended(driver, focus)


async def test_big_requests_pass():
    """colibri2 15.26"""
    group, driver, focus = await scene(PLAIN)
    big = MODIFY.format('m')[:-2] + '>' + ''.join(f"<endpoint id='{i:08x}'/>" for i in range(8000)) + '</conference-modify>'
    answer = await focus.ask(occupant(group), big, timeout=10)
    assert answer.get('type') == 'result', ET.tostring(answer)[:300]
    await ended(driver, focus)


async def test_it_leaves_before_it_closes():
    """colibri2 2.4.6"""
    group, driver, focus = await scene(PLAIN)
    start = time.monotonic()
    assert await driver.stop() == 0, driver.log
    assert time.monotonic() - start < 4, 'an orderly stop is quick'
    await until(lambda: focus.presences(occupant(group), 'unavailable', start), 3, 'unavailable')
    await support.leave(focus)


async def test_several_rooms_of_one_login():
    """colibri2 2.5"""
    group = bridge(PLAIN)
    second = f'second{COUNTER[0]}@{MUC}'
    group['rooms'] += ',' + second
    focus = await person(PLAIN, 'focus', 'both')
    focus.join(second, 'focus')
    driver = await Driver(PROGRAM, group).start()
    await driver.status('status shard 1 2')
    await focus.sees(second + '/' + group['nickname'])
    assert (await focus.ask(second + '/' + group['nickname'], HEALTH)).get('type') == 'result'
    await ended(driver, focus)


async def test_two_servers_at_once():
    """colibri2 2.5: the loss of one server leaves the other alone"""
    one, two = bridge(PLAIN, id='one'), bridge(SECURE, id='two')
    env = {'SSL_CERT_FILE': SECURE.ca}
    focus1, focus2 = await person(PLAIN, 'focus', 'a'), await person(SECURE, 'focus', 'b')
    focus1.join(one['rooms'], 'focus'), focus2.join(two['rooms'], 'focus')
    driver = await Driver(PROGRAM, one, two, env=env).start()
    await focus1.sees(occupant(one)), await focus2.sees(occupant(two))
    assert (await focus1.ask(occupant(one), HEALTH)).get('type') == 'result'
    assert (await focus2.ask(occupant(two), HEALTH)).get('type') == 'result'
    await ended(driver, focus1, focus2)


async def test_tls_with_a_trusted_certificate():
    group = bridge(SECURE, security=0)
    driver = await Driver(PROGRAM, group, env={'SSL_CERT_FILE': SECURE.ca}).start()
    await driver.status('status shard 1 1')
    await ended(driver)


async def test_tls_without_verification():
    group = bridge(SECURE, security=0, verify=0)
    driver = await Driver(PROGRAM, group).start()
    await driver.status('status shard 1 1')
    await ended(driver)


async def expect_line(server, words, env=None, tries=2, **more):
    """The failure is said once, in one line with these words, and tried again for ever."""
    group = bridge(server, **more)
    driver = await Driver(PROGRAM, group, env=env).start()
    for word in words:
        await driver.line(word, 30)  # a resolver that nobody answers takes its time
    await asyncio.sleep(5.5 * (tries - 1))
    assert len(driver.log) == 1, driver.log
    assert support.PASSWORDS['jvb'] not in driver.log[0] and 'wrong' not in driver.log[0].replace('wrong PASSWORD', '')
    return group, driver


async def test_an_untrusted_certificate_is_named():
    _, driver = await expect_line(SECURE, ['not trusted', 'update-ca-certificates'], security=0)
    await ended(driver)


async def test_a_certificate_of_another_name_is_named():
    _, driver = await expect_line(SECURE, ['does not name misnamed.test', 'DOMAIN'], {'SSL_CERT_FILE': SECURE.ca},
                                  security=0, domain='misnamed.test')
    await ended(driver)


async def test_missing_tls_is_named():
    _, driver = await expect_line(PLAIN, ['offers no STARTTLS'], security=0)
    await ended(driver)


async def test_an_unknown_host_name_is_named():
    _, driver = await expect_line(PLAIN, ['cannot resolve no-such-host.invalid'], hostname='no-such-host.invalid', tries=1)
    await ended(driver)


async def test_a_refused_connection_is_named():
    _, driver = await expect_line(PLAIN, ['Connection refused', 'Prosody runs'], port=support.free_port())
    await ended(driver)


async def test_an_unknown_domain_is_named():
    _, driver = await expect_line(PLAIN, ['does not serve nobody.test'], domain='nobody.test')
    await ended(driver)


async def test_a_wrong_password_is_named_and_tried_for_ever():
    """operations 17.2 no. 10"""
    server = Prosody()
    try:
        group, driver = await expect_line(server, ['prosodyctl passwd jvb@auth.test'], password='wrong')
        server.set_password('jvb', 'wrong')
        await driver.status('status shard 1 1', 12)
        await ended(driver)
    finally:
        server.remove()


async def test_a_refused_join_is_named_and_tried_for_ever():
    group = bridge(PLAIN, rooms='brewery@strict.test')
    driver = await Driver(PROGRAM, group).start()
    line = await driver.line('refuses us')
    assert 'not-allowed' in line and 'admins' in line, line
    await asyncio.sleep(5.5)
    assert len(driver.lines('refuses us')) == 1, driver.log
    focus = await person(PLAIN, 'focus', 'strict')
    focus.join('brewery@strict.test', 'focus')
    await driver.status('status shard 1 1', 20)  # tried every 5 s
    await ended(driver, focus)


async def test_a_silent_room_times_out():
    group = bridge(PLAIN, rooms='brewery@silent.test')
    driver = await Driver(PROGRAM, group).start()
    assert 'muc_filter_whitelist' in await driver.line('no answer from brewery@silent.test', 17)
    await ended(driver)


async def test_a_nickname_of_another_account():
    group = bridge(PLAIN)
    stranger = await person(PLAIN, 'focus', 'thief')
    stranger.join(group['rooms'], group['nickname'])
    await until(lambda: stranger.presences(occupant(group)), 5, 'the stranger in the room')
    driver = await Driver(PROGRAM, group).start()
    assert 'MUC_NICKNAME must be unique' in await driver.line('used by somebody else')
    await until(lambda: [e for _, e in stranger.seen if (e.get('from') or '').startswith(occupant(group) + '-')], 5,
                'the bridge under another nickname')
    await ended(driver, stranger)


async def test_two_bridges_with_one_nickname_tell_and_part():
    """operations 17.2 no. 14"""
    group, first, focus = await scene(PLAIN)
    second = await Driver(PROGRAM, group).start()
    await first.line('MUC_NICKNAME must be unique')
    await first.line('using the nickname')
    await first.status('status shard 1 1')
    await second.status('status shard 1 1')
    other = await until(lambda: {e.get('from') for _, e in focus.seen if (e.get('from') or '').startswith(
        occupant(group) + '-')}, 5, 'the first bridge under another nickname')
    for name in (occupant(group), other.pop()):
        assert (await focus.ask(name, HEALTH)).get('type') == 'result'
    await first.stop(), await ended(second, focus)


async def test_kill_9_is_seen_at_once_and_a_restart_is_new():
    """The stock bridge's occupant stays for a minute after a kill; ours goes with its process."""
    group, driver, focus = await scene(PLAIN)
    start = time.monotonic()
    await driver.kill()
    await until(lambda: focus.presences(occupant(group), 'unavailable', start), 3, 'unavailable after kill -9')
    await asyncio.sleep(2)
    again = time.monotonic()
    driver = await Driver(PROGRAM, group).start()
    await focus.sees(occupant(group), 5, again)
    assert (await focus.ask(occupant(group), HEALTH)).get('type') == 'result'
    await ended(driver, focus)


async def test_a_half_dead_predecessor_is_replaced():
    """A frozen process keeps its TCP connection: what a machine that lost power looks like to Prosody."""
    import signal
    group, frozen, focus = await scene(PLAIN)
    frozen.process.send_signal(signal.SIGSTOP)
    start = time.monotonic()
    driver = await Driver(PROGRAM, group).start()
    await until(lambda: focus.presences(occupant(group), 'unavailable', start), 6, 'the old one leaves')
    await focus.sees(occupant(group), 5, focus.presences(occupant(group), 'unavailable', start)[0][0])
    assert (await focus.ask(occupant(group), HEALTH)).get('type') == 'result'
    frozen.process.send_signal(signal.SIGKILL)
    await ended(driver, focus)


async def test_a_hibernating_session_of_another_kind_is_replaced():
    """A stock bridge that was killed: stream management keeps its session, of a resource the server chose."""
    group = bridge(PLAIN)
    focus = await person(PLAIN, 'focus', 'watch')
    focus.join(group['rooms'], 'focus')
    old = await person(PLAIN, 'jvb', 'old-resource', resume=True)
    await until(lambda: old['xep_0198'].sm_id, 5, 'stream management')
    old.join(group['rooms'], group['nickname'])
    await until(lambda: focus.presences(occupant(group)), 5, 'the old one')
    old.end_session_on_disconnect = False
    old.transport.abort()
    await asyncio.sleep(0.5)
    assert not focus.presences(occupant(group), 'unavailable'), 'stream management must have kept it'
    start = time.monotonic()
    driver = await Driver(PROGRAM, group).start()
    await driver.line('replacing it')
    await until(lambda: focus.presences(occupant(group), 'unavailable', start), 5, 'the old one leaves')
    await focus.sees(occupant(group), 5, focus.presences(occupant(group), 'unavailable', start)[-1][0])
    answer = await focus.ask(occupant(group), HEALTH)
    assert answer.get('type') == 'result', 'requests must reach the new one'
    await ended(driver, focus, old)


async def test_prosody_killed_and_back():
    """colibri2 16.13, without resumption"""
    server = Prosody()
    try:
        group, driver, focus = await scene(server)
        server.kill()
        await driver.line('connection to 127.0.0.1')
        await asyncio.sleep(6)
        await support.leave(focus)
        server.start()
        focus = await person(server, 'focus', 'again')
        focus.join(group['rooms'], 'focus')
        await focus.sees(occupant(group), 8)  # tried every 5 s
        assert (await focus.ask(occupant(group), HEALTH)).get('type') == 'result'
        server.stop()
        await driver.line('closed the stream: server shuts down')
        await support.leave(focus)
        server.start()
        focus = await person(server, 'focus', 'third')
        focus.join(group['rooms'], 'focus')
        await focus.sees(occupant(group), 8)
        await ended(driver, focus)
    finally:
        server.remove()


async def test_a_server_that_starts_later_is_found():
    server = Prosody()
    try:
        server.kill()
        group = bridge(server)
        driver = await Driver(PROGRAM, group).start()
        await driver.line('Connection refused')
        server.start()
        await driver.status('status shard 1 1', 10)
        await ended(driver)
    finally:
        server.remove()


async def test_a_room_that_lost_us_is_joined_again():
    group, driver, focus = await scene(PLAIN)
    start = time.monotonic()
    focus.send_raw(f"<iq type='set' id='destroy' to='{group['rooms']}'><query xmlns='http://jabber.org/protocol/muc#owner'>"
                   "<destroy/></query></iq>")
    await driver.line('no longer in')
    await asyncio.sleep(5.5)
    focus.join(group['rooms'], 'focus')
    await focus.sees(occupant(group), 5, start + 1)
    await ended(driver, focus)


async def test_a_frozen_server_is_given_up():
    """colibri2 2.3: the ping of 30 s and its 15 s of patience"""
    import signal
    server = Prosody()
    try:
        group, driver, focus = await scene(server)
        server.process.send_signal(signal.SIGSTOP)
        await driver.line('connection to 127.0.0.1', 50)
        server.process.send_signal(signal.SIGCONT)
        await driver.status('status shard 1 1', 15)
        await ended(driver, focus)
    finally:
        server.process.send_signal(signal.SIGCONT)
        server.remove()


async def test_the_loop_is_never_held_up():
    """A server that accepts and says nothing, a TLS handshake that never ends, then an orderly stop"""
    async def tease(reader, writer):
        await reader.read(1000)
        writer.write(b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                     b"xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0' from='auth.test'>"
                     b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>")
        await reader.read(1000)
        writer.write(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        await asyncio.sleep(60)
    server = await asyncio.start_server(tease, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    driver = await Driver(PROGRAM, bridge(SECURE, id='mute', port=port), bridge(SECURE, id='good', verify=0)).start()
    await driver.status('status good 1 1')
    await asyncio.sleep(2)
    driver.say('stall')
    line = await until(lambda: [x for x in driver.out if x.startswith('stall')], 2, 'stall')
    assert int(line[0].split()[1]) < 1000, line
    start = time.monotonic()
    assert await driver.stop() == 0, driver.log
    assert time.monotonic() - start < 5
    server.close()


def component(server, **more):
    group = bridge(server, component=1, port=server.component_port, domain='bridge.test', password='component secret')
    del group['username']
    return {**group, **more}


async def test_component_mode():
    """colibri2 16.14, 16.4"""
    group = component(PLAIN)
    focus = await person(PLAIN, 'focus', 'component')
    focus.join(group['rooms'], 'focus')
    driver = await Driver(PROGRAM, group).start()
    await focus.sees(occupant(group))
    assert (await focus.ask(occupant(group), HEALTH)).get('type') == 'result'
    answer = await focus.ask(occupant(group), MODIFY.format('m'))
    assert answer[0].tag == '{jitsi:colibri2}conference-modified'
    for address in ('bridge.test', 'jvb@bridge.test/bridge'):
        assert (await focus.ask(address, "<ping xmlns='urn:xmpp:ping'/>")).get('type') == 'result'
        info = await focus.ask(address, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        assert info.get('type') == 'result' and len(info[0]) > 4
    guest = await support.Person('guest.test', '').log_in(PLAIN.port)
    for address in ('bridge.test', 'jvb@bridge.test/bridge'):
        for payload in (HEALTH, MODIFY.format('m')):
            assert condition(await guest.ask(address, payload)) == 'forbidden'
    start = time.monotonic()
    await driver.kill()
    driver = await Driver(PROGRAM, group).start()
    await until(lambda: focus.presences(occupant(group), 'unavailable', start), 5, 'the ghost goes')
    await focus.sees(occupant(group), 5, focus.presences(occupant(group), 'unavailable', start)[0][0])
    _, last = focus.presences(occupant(group))[-1]
    assert len(last.find(MUC_USER).findall('{http://jabber.org/protocol/muc#user}item')) == 1
    assert (await focus.ask(occupant(group), HEALTH)).get('type') == 'result'
    await ended(driver, focus, guest)


async def test_a_wrong_component_secret_is_named():
    group = component(PLAIN, password='wrong')
    driver = await Driver(PROGRAM, group).start()
    assert 'component_secret' in await driver.line('refused')
    await ended(driver)


async def test_component_survives_its_server():
    server = Prosody()
    try:
        group = component(server)
        driver = await Driver(PROGRAM, group).start()
        await driver.status('status shard 1 1')
        server.kill()
        await driver.line('connection to 127.0.0.1')
        server.start()
        await driver.status('status shard 1 1', 10)
        await ended(driver)
    finally:
        server.remove()


if __name__ == '__main__':
    PROGRAM = os.path.join(os.environ.get('BUILD_DIR', os.path.join(support.HERE, '../../../build')), 'tests/xmpp_driver')
    PLAIN, SECURE = Prosody(), Prosody(tls=True)
    try:
        cases.main(globals())
    finally:
        PLAIN.remove(), SECURE.remove()
