/** Where a scan goes: to the newest part of the page that wants it, at last to the station. */
import { createContext, useContext, useEffect, useMemo, useRef } from "react";
import type { ReactNode } from "react";
import { Wedge, WEDGE_DEFAULTS } from "./wedge.ts";
import type { WedgeSettings } from "./wedge.ts";

/** Takes a scan (control characters as they are) or leaves it to the next one. */
export type ScanTarget = (raw: string) => boolean;

interface Targets {
  add: (target: ScanTarget) => () => void;
  /** Ask the targets, newest first; true when one took it. */
  offer: ScanTarget;
  /** Who gets what no target wants. */
  setFallback: (fallback: ((raw: string) => void) | null) => void;
}

const TargetsContext = createContext<Targets | null>(null);

/** `?gs=|` names the scanner's character for GS, `?gap=150` the pause of a slow scanner in milliseconds. */
function settings(): WedgeSettings {
  const asked = new URLSearchParams(window.location.search);
  return {
    ...WEDGE_DEFAULTS,
    separator: asked.get("gs") ?? WEDGE_DEFAULTS.separator,
    gapMs: Number(asked.get("gap")) || WEDGE_DEFAULTS.gapMs,
  };
}

function editable(target: EventTarget | null): HTMLInputElement | HTMLTextAreaElement | null {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement ? target : null;
}

/** Give a field the text that it had before a scanner typed into it. */
function restore(field: HTMLInputElement | HTMLTextAreaElement, value: string): void {
  const prototype = field instanceof HTMLInputElement ? HTMLInputElement : HTMLTextAreaElement;
  Object.getOwnPropertyDescriptor(prototype.prototype, "value")?.set?.call(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Listens to the whole page, whatever has the focus. */
export function ScanProvider({ children }: { children: ReactNode }) {
  const targets = useRef<ScanTarget[]>([]);
  const fallback = useRef<((raw: string) => void) | null>(null);
  const value = useMemo<Targets>(
    () => ({
      add: (target) => {
        targets.current.push(target);
        return () => {
          targets.current = targets.current.filter((other) => other !== target);
        };
      },
      offer: (raw) => [...targets.current].reverse().some((target) => target(raw)),
      setFallback: (next) => {
        fallback.current = next;
      },
    }),
    [],
  );

  useEffect(() => {
    const wedge = new Wedge(settings());
    let before: { field: HTMLInputElement | HTMLTextAreaElement; value: string } | null = null;
    const onKey = (event: KeyboardEvent) => {
      const step = wedge.take({
        key: event.key,
        code: event.code,
        ctrl: event.ctrlKey,
        alt: event.altKey,
        shift: event.shiftKey,
        meta: event.metaKey,
        at: event.timeStamp,
      });
      const field = editable(event.target);
      if (step.step === "begin") before = field ? { field, value: field.value } : null;
      if (step.step === "swallow" && (!field || event.ctrlKey || event.altKey)) event.preventDefault();
      if (step.step === "scan") {
        event.preventDefault();
        event.stopPropagation();
        if (before) restore(before.field, before.value);
        if (!value.offer(step.raw)) fallback.current?.(step.raw);
      }
    };
    window.addEventListener("keydown", onKey, { capture: true });
    return () => window.removeEventListener("keydown", onKey, { capture: true });
  }, [value]);

  return <TargetsContext.Provider value={value}>{children}</TargetsContext.Provider>;
}

/** Take scans while mounted; the newest target is asked first. */
export function useScanTarget(target: ScanTarget): void {
  const targets = useContext(TargetsContext);
  const latest = useRef(target);
  useEffect(() => {
    latest.current = target;
  });
  useEffect(() => targets?.add((raw) => latest.current(raw)), [targets]);
}

/** Take every scan that nothing else on the page wants. Returns how to offer one to the rest. */
export function useScanFallback(fallback: (raw: string) => void): ScanTarget {
  const targets = useContext(TargetsContext);
  useEffect(() => {
    targets?.setFallback(fallback);
    return () => targets?.setFallback(null);
  }, [targets, fallback]);
  return targets?.offer ?? NOBODY;
}

const NOBODY: ScanTarget = () => false;
