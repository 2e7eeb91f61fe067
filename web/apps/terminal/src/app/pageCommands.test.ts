import { expect, it } from "vitest";
import type { StationView } from "@lineside/client/edge.ts";
import { pageDialog } from "./pageCommands.ts";

const view = { spanned: [], jobs: [], state_from: "signals" } as unknown as StationView;

it("opens what the menu offers, without the menu", () => {
  expect(pageDialog("CMD-MENU", view)).toEqual({ name: "menu" });
  expect(pageDialog("CMD-BACK", view)).toEqual({ name: "back" });
});

it("opens nothing that makes no sense now", () => {
  expect(pageDialog("CMD-STATE", view)).toBeNull();
  expect(pageDialog("CMD-STATE", { ...view, state_from: "acts" })).toEqual({ name: "state" });
  expect(pageDialog("CMD-FINISH-ORDER", view)).toBeNull();
});

it("leaves the agent's codes to the agent", () => {
  expect(pageDialog("CMD-FINISH", view)).toBeNull();
  expect(pageDialog("SP18-0001", view)).toBeNull();
});
