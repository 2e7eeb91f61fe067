import { expect, it, vi } from "vitest";

vi.stubGlobal("window", { location: { origin: "http://127.0.0.1" } });
const { silence } = await import("./api.ts");

it("is calm about one answer that came late", () => {
  expect(silence(1_000, 21_000)).toBeNull();
});

it("tells how long nobody has answered", () => {
  expect(silence(1_000, 61_000)).toBe(60_000);
});

it("knows no silence before the first answer", () => {
  expect(silence(0, 9_000_000)).toBeNull();
});
