/** Where edges leave states and come in: side by side below and above them, so that they neither cross nor touch there. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** `x` and `y` are of the middle. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/** A line from a box down to one that stands lower. */
export interface Line {
  readonly upper: string;
  readonly lower: string;
  /** From the rim of the one to that of the other, by way of at least one point between them. */
  readonly points: readonly Point[];
  /** Stands on one of these points. */
  readonly label_box: Box;
}

/** Between edges that leave a box beside each other, px. */
const port_distance_px = 24;
/** Rounded corners have no ports, px. */
const corner_px = 16;
/** An edge goes straight for so far, px. */
const straight_px = 14;

/** Width of a box that so many edges leave, px. */
export function roomFor(edges: number): number {
  return 2 * corner_px + Math.max(0, edges - 1) * 18;
}

interface End {
  readonly line: number;
  /** Where it goes on. */
  readonly towards: Point;
}

/** The place of each end along one side of `box`, from left to right as they go on. */
function spread(box: Box, ends: readonly End[]): ReadonlyMap<number, number> {
  const room_px = box.width - 2 * corner_px;
  const distance_px = Math.min(port_distance_px, room_px / Math.max(1, ends.length - 1));
  const sorted = ends.toSorted((one, other) => one.towards.x - other.towards.x || one.line - other.line);
  const first_px = box.x - (distance_px * (ends.length - 1)) / 2;
  return new Map(sorted.map(({ line }, index) => [line, first_px + index * distance_px]));
}

/** The points between the ends; two stand for that of the label, so that the line passes it straight down. */
function inner({ points, label_box: { x, y } }: Line): Point[] {
  return points.slice(1, -1).flatMap((point) =>
    Math.abs(point.x - x) < 1 && Math.abs(point.y - y) < 1
      ? [
          { x, y: y - straight_px },
          { x, y: y + straight_px },
        ]
      : [point],
  );
}

/** The same lines, each from below its upper box to above its lower one. */
export function withPorts(lines: readonly Line[], boxes: ReadonlyMap<string, Box>): Point[][] {
  const sides = new Map<string, ReadonlyMap<number, number>>();
  for (const [name, box] of boxes) {
    const below: End[] = [];
    const above: End[] = [];
    for (const [line, { upper, lower, points }] of lines.entries()) {
      if (upper === name) below.push({ line, towards: points[1] as Point });
      if (lower === name) above.push({ line, towards: points.at(-2) as Point });
    }
    sides.set(`below ${name}`, spread(box, below)).set(`above ${name}`, spread(box, above));
  }
  return lines.map((drawn, line) => {
    const { upper, lower } = drawn;
    const from = boxes.get(upper) as Box;
    const to = boxes.get(lower) as Box;
    const begin = { x: sides.get(`below ${upper}`)?.get(line) ?? from.x, y: from.y + from.height / 2 };
    const end = { x: sides.get(`above ${lower}`)?.get(line) ?? to.x, y: to.y - to.height / 2 };
    return [
      begin,
      { x: begin.x, y: begin.y + straight_px },
      ...inner(drawn),
      { x: end.x, y: end.y - straight_px },
      end,
    ];
  });
}
