/**
 * Both ends prove that they know the replica's secret before either trusts a word of the other.
 *
 *   server -> challenge      who I am, my nonce
 *   client -> hello          who I am, my nonce, what the link is for, my proof
 *   server -> welcome        my proof          | refuse: why not
 *
 * No promise stands between two messages, so nothing that follows `welcome` can fall between two listeners.
 */
import type { Capabilities } from '../core/codecs.js';
import type { Clock } from '../core/clock.js';
import { IcbdError } from '../core/errors.js';
import { limits, protocol_version } from '../core/limits.js';
import type { Peer } from '../core/link.js';
import type { TextChannel } from './channel.js';
import {
  fromWireCapabilities,
  fromWireError,
  parseHandshakeMessage,
  peekProtocolVersion,
  toWireCapabilities,
  toWireError,
  type HandshakeMessage,
  type Purpose,
} from './messages.js';
import { isSameProof, nonce_bytes, prove, secret_bytes_min, type Transcript } from './proof.js';

/** Who this node is, and what it needs to prove it. */
export interface Identity {
  readonly node: string;
  readonly instance: string;
  readonly capabilities: Capabilities;
  readonly clock: Clock;
  /** Cryptographic randomness. */
  readonly randomBytes: (size: number) => Buffer;
}

export interface Handshaken {
  readonly peer: Peer;
  readonly purpose: Purpose;
}

export interface HandshakeOutcome {
  /** Of a server: throws to refuse a peer that has proven who it is. */
  check?(result: Handshaken): void;
  /** Set a new listener on the channel before returning. */
  onDone(result: Handshaken): void;
  /** The channel is closed. `claimed_node` is what the peer said it was, unproven; empty if it said nothing. */
  onFailed(reason: IcbdError, claimed_node: string): void;
}

const operation = 'handshake';

function unexpected(message: HandshakeMessage, subject: string): IcbdError {
  return new IcbdError('InvalidMessage', `${message.type} out of order`, { operation, subject });
}

/** One answer for an unknown name and a wrong secret, so that nobody can find out which names exist. */
function notAuthentic(subject: string): IcbdError {
  return new IcbdError('AuthenticationFailed', 'the node name or its secret is wrong', {
    operation,
    subject,
    hint: "the replica's name and secret must be the same in the configuration of both nodes",
  });
}

function checkVersion(text: string, identity: Identity, channel: TextChannel): void {
  const theirs = peekProtocolVersion(text);
  if (theirs === undefined || theirs === protocol_version) return;
  throw new IcbdError(
    'ProtocolVersionMismatch',
    `${identity.node} speaks version ${String(protocol_version)} of the protocol, its peer version ${String(theirs)}`,
    { operation, subject: channel.address, hint: 'install the same release on both nodes' },
  );
}

/** What a message leads to: more to come (undefined), or the last act. */
type Step = (message: HandshakeMessage) => (() => void) | undefined;

/**
 * Runs `step` for each message until it gives a last act, within `limits.handshake_ms`.
 * What `step` throws is told to the peer, and ends the channel.
 */
function converse(
  channel: TextChannel,
  identity: Identity,
  step: Step,
  onFailed: (reason: IcbdError) => void,
): void {
  let is_over = false;
  const fail = (reason: IcbdError, is_told: boolean): void => {
    is_over = true;
    cancel();
    if (is_told) channel.send(JSON.stringify({ type: 'refuse', error: toWireError(reason.toReport()) }));
    channel.close(reason.toReport());
    onFailed(reason);
  };
  const cancel = identity.clock.after(limits.handshake_ms, () => {
    const message = `the handshake took longer than ${String(limits.handshake_ms)} ms`;
    fail(new IcbdError('TimedOut', message, { operation, subject: channel.address }), true);
  });
  const take = (text: string): (() => void) | undefined => {
    checkVersion(text, identity, channel);
    const message = parseHandshakeMessage(text);
    if (message.type !== 'refuse') return step(message);
    const reason = IcbdError.fromReport(fromWireError(message.error));
    return () => {
      fail(reason, false);
    };
  };
  channel.listen({
    onBroken: (reason) => {
      if (!is_over) fail(reason, false);
    },
    onText: (text) => {
      if (is_over) return;
      let last_act: (() => void) | undefined;
      try {
        last_act = take(text);
      } catch (thrown) {
        fail(IcbdError.from(thrown, operation, channel.address), true);
        return;
      }
      if (last_act === undefined) return;
      is_over = true;
      cancel();
      last_act();
    },
  });
}

function newNonce(identity: Identity): string {
  return identity.randomBytes(nonce_bytes).toString('hex');
}

/**
 * The server's side.
 * @param kind what links of this path are for
 * @param secretOf the secret of a replica; undefined for a name that is not configured
 */
export function serveHandshake(
  channel: TextChannel,
  identity: Identity,
  kind: Purpose['kind'],
  secretOf: (node: string) => Buffer | undefined,
  outcome: HandshakeOutcome,
): void {
  const { node, instance } = identity;
  const server_nonce = newNonce(identity);
  const ours = toWireCapabilities(identity.capabilities);
  let claimed_node = '';
  const step: Step = (hello) => {
    if (hello.type !== 'hello') throw unexpected(hello, channel.address);
    claimed_node = hello.node;
    if (hello.purpose.kind !== kind) {
      const message = `a ${hello.purpose.kind} link was asked for on the path of ${kind} links`;
      throw new IcbdError('InvalidMessage', message, { operation, subject: channel.address });
    }
    const transcript: Transcript = {
      purpose: hello.purpose,
      server_node: node,
      server_instance: instance,
      server_nonce,
      client_node: hello.node,
      client_instance: hello.instance,
      client_nonce: hello.nonce,
    };
    const known = secretOf(hello.node);
    const is_usable = known !== undefined && known.length >= secret_bytes_min;
    // An unknown name costs the same work as a known one.
    const secret = is_usable ? known : identity.randomBytes(nonce_bytes);
    const is_proven = isSameProof(hello.proof, prove(secret, 'client', transcript, hello.capabilities));
    if (!is_usable || !is_proven) throw notAuthentic(channel.address);
    const capabilities = fromWireCapabilities(hello.capabilities);
    const peer = { node: hello.node, instance: hello.instance, capabilities, address: channel.address };
    const result: Handshaken = { peer, purpose: hello.purpose };
    outcome.check?.(result);
    channel.send(
      JSON.stringify({
        type: 'welcome',
        capabilities: ours,
        proof: prove(secret, 'server', transcript, ours),
      }),
    );
    return () => {
      outcome.onDone(result);
    };
  };
  converse(channel, identity, step, (reason) => {
    outcome.onFailed(reason, claimed_node);
  });
  channel.send(JSON.stringify({ type: 'challenge', protocol_version, node, instance, nonce: server_nonce }));
}

/** The client's side. */
export function dialHandshake(
  channel: TextChannel,
  identity: Identity,
  purpose: Purpose,
  secret: Buffer,
  outcome: HandshakeOutcome,
): void {
  const { node, instance } = identity;
  const client_nonce = newNonce(identity);
  const ours = toWireCapabilities(identity.capabilities);
  let transcript: Transcript | undefined;
  const step: Step = (message) => {
    if (message.type === 'challenge' && transcript === undefined) {
      transcript = {
        purpose,
        server_node: message.node,
        server_instance: message.instance,
        server_nonce: message.nonce,
        client_node: node,
        client_instance: instance,
        client_nonce,
      };
      const proof = prove(secret, 'client', transcript, ours);
      const who = { type: 'hello', protocol_version, node, instance, nonce: client_nonce };
      channel.send(JSON.stringify({ ...who, capabilities: ours, purpose, proof }));
      return undefined;
    }
    if (message.type !== 'welcome' || transcript === undefined) throw unexpected(message, channel.address);
    const { server_node, server_instance } = transcript;
    const expected = prove(secret, 'server', transcript, message.capabilities);
    if (!isSameProof(message.proof, expected)) throw notAuthentic(channel.address);
    const capabilities = fromWireCapabilities(message.capabilities);
    const peer = { node: server_node, instance: server_instance, capabilities, address: channel.address };
    return () => {
      outcome.onDone({ peer, purpose });
    };
  };
  converse(channel, identity, step, (reason) => {
    outcome.onFailed(reason, transcript?.server_node ?? '');
  });
}
