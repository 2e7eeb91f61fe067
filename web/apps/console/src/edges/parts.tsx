/** Small parts of the pages of edges. */
import { Alert } from "antd";
import { dateTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useZone } from "../app/queries.ts";
import { useNamed, useText } from "../app/words.ts";
import type { EdgeStanding, TextProblem, Version } from "./api.ts";

const LOOKS: Record<string, [look: string, shape: string]> = {
  draft: ["planned", "○"],
  sent: ["waiting", "➜"],
  trial: ["setup", "◔"],
  running: ["running", "▶"],
  refused: ["failure", "✕"],
  reverted: ["failure", "↩"],
  replaced: ["neutral", "–"],
};

/** How a version stands: a word, a shape, a colour. */
export function VersionState({ state }: { state: string }) {
  const named = useNamed();
  const [look, shape] = LOOKS[state] ?? ["neutral", "●"];
  return (
    <span className={`state-tag state-tag--${look}`}>
      <span aria-hidden="true">{shape}</span> {named("config.state", state)}
    </span>
  );
}

/** What an edge runs, by its own word. */
export function Runs({ running }: { running: EdgeStanding["running"] }) {
  const text = useText();
  const at = useMoment();
  if (!running) return <span className="quiet">{text("config.nothing_told")}</span>;
  const name =
    running.origin === "file"
      ? text("config.own_file")
      : running.version > 0
        ? text("config.version_n", { version: running.version })
        : text("config.unknown_version");
  return (
    <span>
      <b>{name}</b> <code className="hash">{running.content_hash.slice(0, 10)}</code>
      <br />
      <span className="quiet">{text("config.since", { time: at(running.since) })}</span>
    </span>
  );
}

/** What became of the version that was sent last, in a sentence, with the reason where it failed. */
export function Progress({ edge, wanted }: { edge: EdgeStanding; wanted: Version }) {
  const text = useText();
  const named = useNamed();
  const at = useMoment();
  const params = {
    version: wanted.version,
    time: at(wanted.since),
    seconds: wanted.trial_s ?? 0,
    heard: edge.heard_at ? at(edge.heard_at) : "–",
  };
  if (wanted.state === "refused" || wanted.state === "reverted") {
    return (
      <Alert
        type="error"
        showIcon
        className="block"
        title={text(`config.progress.${wanted.state}`, params)}
        description={
          <>
            <p className="config__reason">
              {wanted.stage && <b>{named("config.stage", wanted.stage)}: </b>}
              {wanted.reason || text("config.no_reason")}
            </p>
            {wanted.devices.length > 0 && <p>{text("config.devices", { devices: wanted.devices.join(", ") })}</p>}
            <p>{text("config.failed_hint")}</p>
          </>
        }
      />
    );
  }
  if (wanted.state !== "sent" && wanted.state !== "trial") return null;
  return (
    <Alert
      type="info"
      showIcon
      className="block"
      title={<span role="status">{text(`config.progress.${wanted.state}`, params)}</span>}
      description={text(`config.progress_hint.${wanted.state}`, params)}
    />
  );
}

/** A problem of a text as a sentence, without its line. */
export function useSayProblem(): (problem: TextProblem) => string {
  const named = useNamed();
  const text = useText();
  return (problem) => {
    const sentence = named("config.problem", problem.code);
    const words = sentence
      .replace("{found}", problem.found || text("config.nothing"))
      .replace("{expected}", problem.expected);
    return problem.key ? `${problem.key}: ${words}` : words;
  };
}

/** Moments in the site's time. */
export function useMoment(): (moment: string) => string {
  const { language } = useLanguage();
  const zone = useZone();
  return (moment) => dateTime(moment, language, zone);
}
