import { expect, it, vi } from "vitest";

vi.stubGlobal("window", { location: { origin: "http://127.0.0.1" }, sessionStorage: { getItem: () => null } });
const { firstRelease, unknownShare } = await import("./api.ts");

const step = (...stations: string[]) => ({ stations }) as never;
const times = new Map([
  ["turning", { busy: 3600, unknown: 0 }],
  ["grinding", { busy: 1200, unknown: 480 }],
  ["idle", { busy: 0, unknown: 0 }],
]);

it("adds times of the stations and divides once", () => {
  const order = { state: "released", steps: [step("turning"), step("grinding", "turning")] };
  expect(unknownShare(order, times)).toBe(0.1);
});

it("knows nothing of stations that reported nothing", () => {
  expect(unknownShare({ state: "held", steps: [step("elsewhere"), step("idle")] }, times)).toBe(0);
});

it("does not speak about orders that nobody works on", () => {
  expect(unknownShare({ state: "finished", steps: [step("grinding")] }, times)).toBe(0);
});

it("looks back to the first release, not to before it", () => {
  const released = (at: string | null) => ({ released_at: at });
  const both = [released("2026-03-02T06:00:00Z"), released(null), released("2026-03-01T06:00:00Z")];
  expect(firstRelease(both)).toBe(Date.parse("2026-03-01T06:00:00Z"));
  expect(firstRelease([released(null)])).toBeUndefined();
});
