/** Places a genealogy as a tree of levels; a thing that is reached twice stands at both places. */
import type { Graph, Link } from "./api.ts";

export interface Placed {
  key: string;
  /** Index into the graph's nodes. */
  node: number;
  /** The link that leads here; null for the root. */
  link: Link | null;
  parent: Placed | null;
  x: number;
  y: number;
  /** How many further siblings this place stands for; 0 for an ordinary node. */
  more: number;
}

export interface Layout {
  placed: Placed[];
  width: number;
  height: number;
}

export const BOX = { width: 134, height: 50, gapX: 10, gapY: 52 } as const;
const CHILDREN_MAX = 12;
const PLACES_MAX = 250;

/** Lay a graph out from node 0 along its links: to the sources, or to the products. */
export function layoutOf(graph: Graph, side: "made_from" | "went_into"): Layout {
  const children = new Map<number, Link[]>();
  for (const link of graph.links) {
    const from = side === "made_from" ? link.product : link.source;
    children.set(from, [...(children.get(from) ?? []), link]);
  }
  const placed: Placed[] = [];
  let nextX = 0;
  let depthMax = 0;

  const place = (node: number, link: Link | null, parent: Placed | null, depth: number, path: Set<number>): Placed => {
    const here: Placed = {
      key: `${parent?.key ?? ""}/${node}-${link?.evidence.seq ?? 0}`,
      node,
      link,
      parent,
      x: 0,
      y: depth * (BOX.height + BOX.gapY),
      more: 0,
    };
    placed.push(here);
    depthMax = Math.max(depthMax, depth);
    const links = path.has(node) || placed.length > PLACES_MAX ? [] : (children.get(node) ?? []);
    const below = new Set(path).add(node);
    const shown = links.slice(0, links.length > CHILDREN_MAX ? CHILDREN_MAX - 1 : CHILDREN_MAX);
    const kids = shown.map((one) =>
      place(side === "made_from" ? one.source : one.product, one, here, depth + 1, below),
    );
    const rest = links.length - shown.length;
    if (rest > 0) {
      const more: Placed = {
        key: `${here.key}/more`,
        node,
        link: null,
        parent: here,
        x: nextX,
        y: (depth + 1) * (BOX.height + BOX.gapY),
        more: rest,
      };
      nextX += BOX.width + BOX.gapX;
      depthMax = Math.max(depthMax, depth + 1);
      placed.push(more);
      kids.push(more);
    }
    const first = kids[0];
    const last = kids[kids.length - 1];
    if (first && last) here.x = (first.x + last.x) / 2;
    else {
      here.x = nextX;
      nextX += BOX.width + BOX.gapX;
    }
    return here;
  };

  place(0, null, null, 0, new Set());
  return {
    placed,
    width: Math.max(BOX.width, nextX - BOX.gapX),
    height: depthMax * (BOX.height + BOX.gapY) + BOX.height,
  };
}
