/** What a version changes: devices and stations that come, go or change, key by key. */
import { Empty, Skeleton } from "antd";
import { Problem } from "../app/Problem.tsx";
import { useNamed, useText } from "../app/words.ts";
import { useDifference } from "./api.ts";
import type { Difference } from "./api.ts";

const SHAPES = { added: "+", removed: "−", changed: "≠" } as const;

export function DifferenceOf({ edge, version, against }: { edge: string; version: number; against: number | null }) {
  const found = useDifference(edge, version, against);
  if (found.error && !found.data) return <Problem error={found.error} again={() => void found.refetch()} />;
  if (!found.data) return <Skeleton active paragraph={{ rows: 4 }} />;
  return <Changes difference={found.data} />;
}

export function Changes({ difference }: { difference: Difference }) {
  const text = useText();
  const named = useNamed();
  return (
    <>
      <p className="note">
        {difference.against > 0
          ? text("config.against", { version: difference.against })
          : text("config.against_nothing")}
      </p>
      {difference.changes.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={text("config.no_difference")} />
      ) : (
        <ul className="changes">
          {difference.changes.map((one) => (
            <li key={`${one.part} ${one.id}`} className={`changes__part changes__part--${one.change}`}>
              <span className="changes__name">
                <span aria-hidden="true">{SHAPES[one.change]}</span> {named("config.part", one.part)} <b>{one.id}</b>{" "}
                <span className="quiet">{named("config.change", one.change)}</span>
              </span>
              {one.keys.length > 0 && (
                <table>
                  <tbody>
                    {one.keys.map((key) => (
                      <tr key={key.key}>
                        <th scope="row">{key.key}</th>
                        <td>{key.old === null ? "–" : <del>{key.old}</del>}</td>
                        <td aria-hidden="true">→</td>
                        <td>{key.new === null ? "–" : <ins>{key.new}</ins>}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
