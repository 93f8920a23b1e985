import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';
import t from 'tap';
import {beside, systemLibrary} from './programs.js';
import {Talker} from './talkers.js';
import {cannotTrace, dataOf, Tracer} from './tracer.js';
import {freePort, until, Workshop} from './workshop.js';

/**
 * Turns what goes over TCP into what is no TLS, and back, between the library and the system calls: as where the kernel encrypts
 * (kTLS), no record is seen, and only what the program declared tells its socket.
 */
const twist = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static int is_tcp(int fd) {
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer;
  return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.ss_family == AF_INET;
}
static void twist(unsigned char *bytes, ssize_t length) {
  while (length-- > 0) *bytes++ ^= 0x55;
}
ssize_t read(int fd, void *buffer, size_t size) {
  ssize_t (*real)(int, void *, size_t) = dlsym(RTLD_NEXT, "read");
  int twisted = is_tcp(fd);
  ssize_t length = real(fd, buffer, size);
  if (twisted) twist(buffer, length);
  return length;
}
ssize_t write(int fd, const void *buffer, size_t size) {
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  if (!is_tcp(fd)) return real(fd, buffer, size);
  unsigned char copy[size];
  memcpy(copy, buffer, size);
  twist(copy, size);
  return real(fd, copy, size);
}
`;

t.test('what a program declares tells its socket where no record is seen', {skip: cannotTrace()}, async (t) => {
  const workshop = new Workshop();
  t.teardown(() => workshop.close());
  const libssl = await systemLibrary('libssl');
  const own = workshop.copyLibrary(libssl, beside(libssl));
  const {key, certificate} = await workshop.certificate();
  const library = join(workshop.folder, 'twist.so');
  execFileSync('gcc', ['-shared', '-fPIC', '-o', library, workshop.file('twist.c', twist), '-ldl']);
  const where = `127.0.0.1:${await freePort()}`;
  const env = {LD_PRELOAD: library};

  // Python declares by SSL_set_fd; s_client by BIO_new_socket, whose BIO it gives to the session.
  const server = new Talker(workshop, 'blockingServer', [where, certificate, key], {env});
  await server.heard('ready');
  const tracer = await new Tracer(workshop.folder, ['openssl', '--lib', own, '--format', 'ndjson']).ready();
  const client = workshop.start(['openssl', 's_client', '-quiet', '-no_ign_eof', '-connect', where], {
    stdin: 'pipe',
    env,
  });
  let answered = '';
  client.stdout?.on('data', (chunk: Buffer) => {
    answered += chunk;
  });
  client.stdin?.write('tag\n');
  await until(() => answered === 'tag\n', 'the answer');
  const ended = once(client, 'exit');
  client.stdin?.end();
  await ended;
  t.equal(await tracer.stop(), 0, tracer.errors);

  const {local, remote} = server.said[0] ?? {};
  t.ok(local && remote, 'the server knows its ends');
  for (const [name, pid, ends] of [
    ['the server', server.child.pid, {local, remote}],
    ['the client', client.pid, {local: remote, remote: local}],
  ] as const) {
    const calls = dataOf(tracer.events).filter((event) => event.pid === pid);
    t.ok(calls.length >= 2, `${name} received and sent`);
    const places = calls.map(({connection: {local, remote, attribution}}) => ({local, remote, attribution}));
    t.strictSame(places, Array(calls.length).fill({...ends, attribution: 'declared'}), name);
  }
});
