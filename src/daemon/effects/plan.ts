import { z } from 'zod';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import {
  type Capabilities,
  type Codec,
  type StreamChoice,
  type StreamVersion,
  agreeStreamVersion,
} from '../../core/codecs.js';
import { IcbdError } from '../../core/errors.js';
import { type SnapshotInfo, type TransferPlan, identityOf, planTransfer } from '../../core/lineage.js';
import type { ControlLink } from '../../core/link.js';
import type { EffectHandler } from '../../runtime/ports.js';

/** What a peer says of its snapshots. */
export const lineageSchema = z.array(
  z.strictObject({
    number: z.string(),
    uuid: z.string(),
    received_uuid: z.string(),
    parent_uuid: z.string(),
    created_generation: z.number(),
    created_at_ms: z.number(),
  }),
);

export interface PlanOptions {
  readonly store: SnapshotStore;
  readonly imagePath: (image: string) => string;
  readonly capabilities: Capabilities;
  /** The control link of a node. @throws IcbdError `ReplicaOffline` */
  readonly linkTo: (node: string) => ControlLink;
  readonly default_codec: Codec;
  readonly stream: StreamChoice;
}

function agreeCodec(wanted: Codec | null, fallback: Codec, ours: Capabilities, theirs: Capabilities): Codec {
  const isPossible = (codec: Codec): boolean => ours.codecs.includes(codec) && theirs.codecs.includes(codec);
  const codec = wanted ?? fallback;
  if (isPossible(codec)) return codec;
  // What the operator asked for is done or refused; what only the config prefers gives way.
  if (wanted === null) return 'none';
  const both = ours.codecs.filter((name) => theirs.codecs.includes(name)).join(', ');
  throw new IcbdError('CodecNotSupported', `the codec ${codec} is not available on both nodes`, {
    operation: 'plan',
    subject: codec,
    hint: `both have: ${both}; zstd needs Node 22.15 or the zstd program`,
  });
}

function agreeVersion(choice: StreamChoice, ours: Capabilities, theirs: Capabilities): StreamVersion {
  const version = agreeStreamVersion(choice, ours, theirs);
  if (version !== undefined) return version;
  throw new IcbdError('StreamVersionNotSupported', 'stream version 2 is not available on both nodes', {
    operation: 'plan',
    subject: choice,
    hint: 'it needs Linux 6.0 and btrfs-progs 6.2 on both; set transfers.stream = "auto"',
  });
}

/** The replica's own words say "this node", which is another one here. */
function explain(error: unknown, node: string, image: string): never {
  if (!(error instanceof IcbdError) || error.code !== 'ImageNotFound') throw error;
  throw new IcbdError('ImageNotFound', `${node} does not hold the image ${image}`, {
    operation: 'plan',
    subject: image,
    hint: `icbdrep image add ${image} --node ${node}, or auto_add_images = true in its config`,
    cause: error,
  });
}

async function theirSnapshots(
  link: ControlLink,
  image: string,
  signal: AbortSignal,
): Promise<SnapshotInfo[]> {
  const answer = await link
    .request({ method: 'lineage', params: { image } }, { signal })
    .catch((error: unknown) => explain(error, link.peer.node, image));
  const parsed = lineageSchema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new IcbdError('InvalidMessage', `the lineage that ${link.peer.node} sent does not fit`, {
    operation: 'plan',
    subject: image,
    cause: parsed.error,
  });
}

interface PlanParams {
  readonly image: string;
  readonly number: string;
  readonly replica: string;
  readonly codec: Codec | null;
  /** Number of a snapshot, `none` or `auto`. */
  readonly parent: string;
  /** Null: as the config says. */
  readonly stream_version: StreamVersion | null;
}

function choiceOf(version: StreamVersion | null): StreamChoice | undefined {
  return version === null ? undefined : `v${version}`;
}

interface ParentChoice {
  readonly parent: string;
  readonly ours: readonly SnapshotInfo[];
  readonly theirs: readonly SnapshotInfo[];
  readonly target: SnapshotInfo;
  readonly image: string;
  readonly replica: string;
}

/** The plan with the parent that was asked for. @throws IcbdError `SnapshotNotFound`, `InvalidArgument` */
function withParent(plan: TransferPlan, choice: ParentChoice): TransferPlan {
  const { parent: number, ours, theirs, target, image, replica } = choice;
  if (number === 'auto' || plan.kind === 'already_there' || plan.kind === 'conflict') return plan;
  const reason = 'asked for when the transfer was forked';
  if (number === 'none') return { kind: 'full', reason };
  const details = {
    operation: 'plan',
    subject: `${image}/${number}`,
    hint: 'icbdrep transfer fork --parent auto chooses another one',
  };
  if (number === target.number) {
    throw new IcbdError('InvalidArgument', `${image}/${number} cannot be its own parent`, details);
  }
  const parent = ours.find((snapshot) => snapshot.number === number);
  if (parent === undefined) {
    throw new IcbdError('SnapshotNotFound', `the parent ${image}/${number} is not on the master`, details);
  }
  if (!theirs.some((snapshot) => identityOf(snapshot) === identityOf(parent))) {
    throw new IcbdError(
      'SnapshotNotFound',
      `${replica} does not hold the parent ${image}/${number}`,
      details,
    );
  }
  return { kind: 'incremental', parent, reason };
}

/** The `plan` effect: compares both sides and decides how one attempt is done. Changes nothing. */
export function planEffect(options: PlanOptions): EffectHandler {
  return async (effect, { signal }) => {
    const { image, number, replica, codec, parent, stream_version } = effect.params as PlanParams;
    const link = options.linkTo(replica);
    const ours = await options.store.listSnapshots(options.imagePath(image));
    const target = ours.find((snapshot) => snapshot.number === number);
    if (target === undefined) {
      throw new IcbdError('SnapshotNotFound', `the snapshot ${image}/${number} is gone from the master`, {
        operation: 'plan',
        subject: `${image}/${number}`,
      });
    }
    const held = await theirSnapshots(link, image, signal);
    const plan = withParent(planTransfer(target, ours, held), {
      parent,
      ours,
      theirs: held,
      target,
      image,
      replica,
    });
    if (plan.kind === 'already_there') return { type: 'plan.already_there', number: plan.number };
    if (plan.kind === 'conflict') {
      throw new IcbdError('SnapshotConflict', `${replica} holds another snapshot as ${image}/${number}`, {
        operation: 'plan',
        subject: `${image}/${number}`,
        hint:
          `its uuid there is ${plan.theirs.uuid}, received from ${plan.theirs.received_uuid || 'nowhere'}; ` +
          `here it is ${identityOf(target)}. Delete the one on ${replica}, or take a new number`,
      });
    }
    const theirs = link.peer.capabilities;
    return {
      type: 'plan.done',
      result: {
        uuid: identityOf(target),
        parent: plan.kind === 'full' ? null : { number: plan.parent.number, uuid: identityOf(plan.parent) },
        reason: plan.reason,
        codec: agreeCodec(codec, options.default_codec, options.capabilities, theirs),
        stream_version: agreeVersion(
          choiceOf(stream_version) ?? options.stream,
          options.capabilities,
          theirs,
        ),
      },
    };
  };
}
