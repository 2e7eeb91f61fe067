import { describe, expect, it } from "vitest";
import type { Graph, Link } from "./api.ts";
import { BOX, layoutOf } from "./layout.ts";

const link = (product: number, source: number, seq: number): Link =>
  ({ product, source, evidence: { edge: "e", epoch: "x", seq } }) as Link;
const graph = (count: number, links: Link[]): Graph =>
  ({ nodes: Array.from({ length: count }, () => ({})), links, truncated: false }) as unknown as Graph;

describe("layoutOf", () => {
  it("puts sources below their product and products of a lot below the lot", () => {
    const links = [link(0, 1, 1), link(0, 2, 2)];
    const back = layoutOf(graph(3, links), "made_from");
    expect(back.placed.map((one) => [one.node, one.y > 0])).toEqual([[0, false], [1, true], [2, true]]);
    const forward = layoutOf(graph(2, [link(1, 0, 1)]), "went_into");
    expect(forward.placed.map((one) => one.node)).toEqual([0, 1]);
  });

  it("never lets two boxes overlap", () => {
    const links = [link(0, 1, 1), link(0, 2, 2), link(1, 3, 3), link(1, 4, 4), link(2, 5, 5)];
    const { placed } = layoutOf(graph(6, links), "made_from");
    for (const one of placed)
      for (const other of placed)
        if (one !== other && one.y === other.y) expect(Math.abs(one.x - other.x)).toBeGreaterThanOrEqual(BOX.width);
  });

  it("shows a lot with hundreds of products as some and a number", () => {
    const links = Array.from({ length: 300 }, (_, index) => link(index + 1, 0, index));
    const { placed } = layoutOf(graph(301, links), "went_into");
    expect(placed.length).toBeLessThan(20);
    expect(placed.find((one) => one.more > 0)?.more).toBe(289);
  });

  it("ends at a cycle", () => {
    expect(layoutOf(graph(2, [link(0, 1, 1), link(1, 0, 2)]), "made_from").placed.length).toBe(3);
  });
});
