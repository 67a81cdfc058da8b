/**
 * Says to whoever asks by broadcast that it is the name server, and welcomes everybody without knowing any secret.
 * One line of JSON on standard output for each datagram and each link. Argument: `silent`, to hear and not answer.
 */
import { createSocket } from 'node:dgram';
import { WebSocketServer } from 'ws';

const [mode] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const server = new WebSocketServer({ host: '0.0.0.0', port: 0 });
const hex = 'a'.repeat(64);
const capabilities = { codecs: [], stream_version_max: 1, btrfs_progs: '', kernel: '' };

server.on('connection', (socket) => {
  socket.on('message', (/** @type {Buffer} */ bytes) => {
    const hello = JSON.parse(bytes.toString('utf8'));
    say({ link_from: hello.node });
    socket.send(JSON.stringify({ type: 'welcome', capabilities, proof: hex }));
  });
  socket.on('error', () => undefined);
  const version = Number(process.env.PROTOCOL_VERSION);
  const who = { node: 'names', instance: 'liar', nonce: hex };
  socket.send(JSON.stringify({ type: 'challenge', protocol_version: version, ...who }));
});

const udp = createSocket('udp4');
udp.on('message', (datagram, from) => {
  const { nonce } = JSON.parse(String(datagram));
  say({ asked_by: from.address, nonce, bytes: datagram.length });
  if (mode === 'silent') return;
  const answer = { icbdrep: 'name server', version: 1, nonce, node: 'names', port: server.address().port, tls: false };
  udp.send(JSON.stringify(answer), from.port, from.address);
});
udp.bind(9_409, '0.0.0.0', () => say({ ready: true }));
