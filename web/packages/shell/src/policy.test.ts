import { describe, expect, it } from "vitest";
import { isAway, planFor } from "./policy.ts";

const FILES = ["assets/main-1a.js", "assets/main-2b.css", "index.html"];
const HOME = "http://127.0.0.1:8601/";
const ask = (path: string, mode = "cors", method = "GET") => planFor({ method, mode, url: new URL(path, HOME).href }, HOME, FILES);

describe("what the worker answers", () => {
  it("opens the page with any station", () => {
    expect(ask("/?station=TURN&lang=zh", "navigate")).toBe("page");
    expect(ask("/index.html", "navigate")).toBe("page");
  });

  it("serves the files of its own build", () => {
    expect(ask("/assets/main-1a.js")).toBe("kept");
    expect(ask("/assets/main-9z.js")).toBe("pass");
  });

  it("never touches an answer of the server", () => {
    for (const path of ["/api/stations", "/api/stations/TURN/stream", "/healthz", "/metrics", "/openapi.json"]) {
      expect(ask(path)).toBe("pass");
      expect(ask(path, "navigate")).toBe("pass");
    }
    expect(ask("/", "navigate", "POST")).toBe("pass");
  });

  it("leaves other pages and other servers alone", () => {
    expect(ask("/board/?line=1", "navigate")).toBe("pass");
    expect(planFor({ method: "GET", mode: "navigate", url: "http://elsewhere/" }, HOME, FILES)).toBe("pass");
    expect(planFor({ method: "GET", mode: "navigate", url: HOME }, `${HOME}board/`, FILES)).toBe("pass");
  });

  it("takes a gateway without a server for a server that is away", () => {
    expect([502, 503, 504].every(isAway)).toBe(true);
    expect([200, 304, 404, 500].some(isAway)).toBe(false);
  });
});
