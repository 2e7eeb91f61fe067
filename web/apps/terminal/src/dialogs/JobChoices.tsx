/** Which of several orders on the station. */
import type { Job } from "@lineside/client/edge.ts";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { Choice } from "./Dialog.tsx";

interface Props {
  chosen: number;
  onChoose: (index: number) => void;
}

/** Shown where there is a choice; the order itself can be scanned. */
export function JobChoices({ chosen, onChoose }: Props) {
  const { view } = useTerminal();
  const text = useText();
  const say = useSay();
  return (
    <div className="choices choices--wide" role="group" aria-label={text("orders.current")}>
      {view.jobs.map((job: Job, index) => (
        <Choice
          key={`${job.booking}-${job.order}-${job.operation}`}
          code={job.order}
          chosen={index === chosen}
          onChoose={() => onChoose(index)}
          label={`${job.operation} ${say(job.operation_name)}`}
          note={say(job.item_name) || job.item}
        />
      ))}
    </div>
  );
}
