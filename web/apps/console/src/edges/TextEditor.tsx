/** A text with line numbers; a problem stands behind its line, and in the list that leads there. */
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { useText } from "../app/words.ts";
import type { TextProblem } from "./api.ts";
import { useSayProblem } from "./parts.tsx";

const LINE_PX = 20;
const PADDING_PX = 8;

interface Props {
  value: string;
  problems: readonly TextProblem[];
  /** Without it the text is only shown. */
  onChange?: (value: string) => void;
}

export function TextEditor({ value, problems, onChange }: Props) {
  const text = useText();
  const say = useSayProblem();
  const field = useRef<HTMLTextAreaElement>(null);
  const [scrolled, setScrolled] = useState({ top: 0, left: 0 });
  const lines = useMemo(() => value.split("\n"), [value]);
  const worst = useMemo(() => worstByLine(problems), [problems]);
  // A text that was replaced by another one is shown from its beginning.
  const onScroll = () => {
    const area = field.current;
    if (area) setScrolled({ top: area.scrollTop, left: area.scrollLeft });
  };
  useLayoutEffect(onScroll, [value]);
  const go = (line: number) => {
    const area = field.current;
    if (!area) return;
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    area.scrollTop = Math.max(0, (line - 4) * LINE_PX);
  };
  return (
    <>
      <div className="editor">
        <div className="editor__gutter" aria-hidden="true">
          <ol style={{ transform: `translateY(${-scrolled.top}px)` }}>
            {lines.map((_, number) => {
              const found = worst.get(number + 1);
              return (
                <li key={number} className={found ? `editor__number--${found.severity}` : undefined}>
                  {found ? (found.severity === "error" ? "✕ " : "! ") : ""}
                  {number + 1}
                </li>
              );
            })}
          </ol>
        </div>
        <div className="editor__text">
          <div
            className="editor__marks"
            aria-hidden="true"
            style={{ transform: `translate(${-scrolled.left}px, ${-scrolled.top}px)` }}
          >
            {[...worst].map(([line, problem]) => (
              <span
                key={line}
                className={`editor__mark editor__mark--${problem.severity}`}
                style={{ top: PADDING_PX + (line - 1) * LINE_PX, paddingLeft: `${widthOf(lines[line - 1] ?? "") + 3}ch` }}
              >
                {say(problem)}
              </span>
            ))}
          </div>
          <textarea
            ref={field}
            aria-label={text("config.text")}
            aria-describedby="config-problems"
            aria-invalid={problems.some((one) => one.severity === "error")}
            wrap="off"
            spellCheck={false}
            autoComplete="off"
            readOnly={!onChange}
            value={value}
            onScroll={onScroll}
            onChange={(event) => onChange?.(event.target.value)}
          />
        </div>
      </div>
      <ul id="config-problems" className="problems" aria-label={text("config.problems")}>
        {problems.map((one, number) => (
          <li key={number}>
            <button type="button" className={`problems__one problems__one--${one.severity}`} onClick={() => go(one.line)}>
              <span aria-hidden="true">{one.severity === "error" ? "✕" : "!"}</span>{" "}
              <b>{text("config.line", { line: one.line })}</b> {say(one)}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The first error of each line, or its first doubt. */
function worstByLine(problems: readonly TextProblem[]): Map<number, TextProblem> {
  const found = new Map<number, TextProblem>();
  for (const one of problems) {
    const before = found.get(one.line);
    if (!before || (before.severity === "warning" && one.severity === "error")) found.set(one.line, one);
  }
  return found;
}

/** Columns that a line takes: a Chinese character takes two. */
function widthOf(line: string): number {
  return [...line].reduce((sum, one) => sum + ((one.codePointAt(0) ?? 0) > 0x2e7f ? 2 : 1), 0);
}
