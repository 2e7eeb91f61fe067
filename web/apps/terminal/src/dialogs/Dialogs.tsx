/** The dialog that is open. */
import { BackEntryDialog } from "./BackEntryDialog.tsx";
import { CallDialog } from "./CallDialog.tsx";
import { CarrierDialog } from "./CarrierDialog.tsx";
import { DeclareDialog } from "./DeclareDialog.tsx";
import { DefectDialog } from "./DefectDialog.tsx";
import { FinishDialog, PauseDialog } from "./FinishDialog.tsx";
import { MenuDialog } from "./MenuDialog.tsx";
import { MountDialog } from "./MountDialog.tsx";
import { MoveDialog } from "./MoveDialog.tsx";
import { NumbersDialog } from "./NumbersDialog.tsx";
import { FirstPieceDialog, OverrideDialog, PeopleDialog } from "./PeopleDialogs.tsx";
import { ReasonDialog } from "./ReasonDialog.tsx";
import { ReplaceDialog } from "./ReplaceDialog.tsx";
import { SplitDialog } from "./SplitDialog.tsx";
import { StartDialog, StateDialog } from "./StartDialog.tsx";
import { TypeDialog } from "./TypeDialog.tsx";
import { UndoDialog } from "./UndoDialog.tsx";
import type { Open } from "../app/terminal.ts";

/** One at a time. */
export function Dialogs({ dialog, leave }: { dialog: Open; leave: () => void }) {
  switch (dialog.name) {
    case "people":
      return <PeopleDialog />;
    case "defect":
      return <DefectDialog serial={dialog.serial} frame={dialog.frame} />;
    case "reason":
      return <ReasonDialog start={dialog.start} end={dialog.end} frame={dialog.frame} />;
    case "mount":
      return <MountDialog lot={dialog.lot} frame={dialog.frame} />;
    case "undo":
      return <UndoDialog />;
    case "call":
      return <CallDialog />;
    case "finish":
      return <FinishDialog frame={dialog.frame} />;
    case "pause":
      return <PauseDialog />;
    case "declare":
      return <DeclareDialog frame={dialog.frame} />;
    case "start":
      return <StartDialog order={dialog.order} operation={dialog.operation} />;
    case "state":
      return <StateDialog />;
    case "first_piece":
      return <FirstPieceDialog order={dialog.order} operation={dialog.operation} />;
    case "override":
      return <OverrideDialog />;
    case "back":
      return <BackEntryDialog />;
    case "move":
      return <MoveDialog />;
    case "split":
      return <SplitDialog />;
    case "replace":
      return <ReplaceDialog entry={dialog.entry} frame={dialog.frame} />;
    case "type":
      return <TypeDialog />;
    case "numbers":
      return <NumbersDialog />;
    case "carrier":
      return <CarrierDialog carrier={dialog.carrier} lot={dialog.lot} />;
    case "menu":
      return <MenuDialog leave={leave} />;
  }
}
