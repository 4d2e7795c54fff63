/* loopback.c - see loopback.h. */
#include "support/loopback.h"

#include <sys/socket.h>
#include <sys/time.h>

#include "support/hex.h"

int loopback_socket(struct addr *addr, uint64_t wait_us)
{
    struct sockaddr_storage ss;
    int fd = socket(AF_INET, SOCK_DGRAM | (wait_us ? 0 : SOCK_NONBLOCK), 0);
    assert_int_equal(addr_parse("127.0.0.1", 0, addr), E_OK);
    socklen_t len = addr_to_sockaddr(addr, &ss);
    assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
    len = sizeof ss;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
    addr_from_sockaddr((struct sockaddr *)&ss, addr);
    struct timeval tv = {.tv_sec = (time_t)(wait_us / US_PER_S), .tv_usec = (suseconds_t)(wait_us % US_PER_S)};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    return fd;
}
