/* A Modbus server by libmodbus, for driver tests: `server tcp` prints its port; `server rtu PATH UNIT`
 * prints "ready". It serves until standard input closes.
 *
 * Holding and input register n hold 1000 + n, except: 10, 11: int32 100000 (CDAB); 12, 13: float32
 * 123.456 (ABCD). REGISTERS and above do not exist. Coil n is on where n is divisible by 3. A read that
 * begins at register 90 is answered only after 700 ms.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef REGISTERS
#define REGISTERS 100 /* the benchmark asks for more */
#endif

enum { COUNT = REGISTERS, SLOW_REGISTER = 90, SLOW_US = 700000 };

static modbus_mapping_t *make_mapping(void)
{
    modbus_mapping_t *mapping = modbus_mapping_new(COUNT, COUNT, COUNT, COUNT);
    for (int n = 0; n < COUNT; n++) {
        mapping->tab_registers[n] = mapping->tab_input_registers[n] = (uint16_t) (1000 + n);
        mapping->tab_bits[n] = n % 3 == 0;
        mapping->tab_input_bits[n] = n % 2 == 0;
    }
    mapping->tab_registers[10] = 0x86A0;
    mapping->tab_registers[11] = 0x0001;
    /* By hand: modbus_set_float_abcd of 3.1.6 swaps bytes on little endian machines. */
    mapping->tab_registers[12] = 0x42F6;
    mapping->tab_registers[13] = 0xE979;
    return mapping;
}

/* Returns 1 when standard input has closed, 0 when the device is readable. */
static int wait_for(int device)
{
    struct pollfd both[2] = { { .fd = 0, .events = POLLIN }, { .fd = device, .events = POLLIN } };
    char ignored[16];
    for (;;) {
        if (poll(both, 2, -1) < 0 && errno != EINTR)
            return 1;
        if (both[0].revents && read(0, ignored, sizeof ignored) <= 0)
            return 1;
        if (both[1].revents)
            return 0;
    }
}

static void serve(modbus_t *context, modbus_mapping_t *mapping, int device, int ends_with_peer)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int head = modbus_get_header_length(context);
    for (;;) {
        if (wait_for(device))
            exit(0);
        int length = modbus_receive(context, query);
        if (length == -1) {
            if (ends_with_peer)
                return;
            continue;
        }
        if (length == 0)
            continue;
        if (query[head] == 3 && query[head + 1] == 0 && query[head + 2] == SLOW_REGISTER)
            usleep(SLOW_US);
        if (modbus_reply(context, query, length, mapping) == -1 && ends_with_peer)
            return;
    }
}

static int serve_tcp(void)
{
    modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
    int listener = modbus_tcp_listen(context, 4);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (listener == -1 || getsockname(listener, (struct sockaddr *) &address, &size) == -1) {
        fprintf(stderr, "listen: %s\n", modbus_strerror(errno));
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    modbus_mapping_t *mapping = make_mapping();
    while (wait_for(listener) == 0) {
        if (modbus_tcp_accept(context, &listener) == -1)
            continue;
        serve(context, mapping, modbus_get_socket(context), 1);
        modbus_close(context);
    }
    return 0;
}

static int serve_rtu(const char *path, int unit)
{
    modbus_t *context = modbus_new_rtu(path, 19200, 'N', 8, 1);
    modbus_set_slave(context, unit);
    if (modbus_connect(context) == -1) {
        fprintf(stderr, "%s: %s\n", path, modbus_strerror(errno));
        return 1;
    }
    puts("ready");
    fflush(stdout);
    serve(context, make_mapping(), modbus_get_socket(context), 0);
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "tcp") == 0)
        return serve_tcp();
    if (count == 4 && strcmp(arguments[1], "rtu") == 0)
        return serve_rtu(arguments[2], atoi(arguments[3]));
    fprintf(stderr, "usage: server tcp | server rtu PATH UNIT\n");
    return 2;
}
