/** Asks for name servers at an address, and prints those that answer as JSON. */
import { randomBytes } from 'node:crypto';

const { askForNameServers } = await import(new URL('../../../dist/transport/discovery_asker.js', import.meta.url));
const { system_clock: clock } = await import(new URL('../../../dist/daemon/system_clock.js', import.meta.url));
const [address] = process.argv.slice(2);
const found = [];
for await (const one of askForNameServers({ address, port: 9_409, clock, randomBytes })) found.push(one);
process.stdout.write(JSON.stringify(found));
