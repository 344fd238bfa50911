import type { SubjectKeys } from "../keys/subject-keys.ts";
import type { Change, Documents } from "../store/documents.ts";
import { resumeEach } from "./resumption.ts";
import { createTurns } from "./turns.ts";

/**
 * Keys that die with an operation. A key lives in a file of its own and cannot be destroyed in one batch with the operation's event:
 * so the batch says that it is to die, and whatever happens then, it does.
 */
export type DoomedKeys = {
  /** Goes into the batch with the event. */
  readonly doom: (subject: string) => Change;
  /**
   * Destroys the key of `subject` if it is doomed, and nothing else. Called after the batch, and before a key of the same name is made:
   * the new one must not die of the old one's sentence.
   */
  readonly carryOut: (subject: string) => Promise<void>;
  /** Whether the key is to die and has not: nobody may use it any more. */
  readonly isDoomed: (subject: string) => Promise<boolean>;
  /** Carries out what a crash, or a full disk, has left; resolves how many those were. One that fails stops none of the others. */
  readonly sweep: () => Promise<number>;
};

export type DoomedKeysParts = {
  readonly documents: Documents;
  readonly subjects: Pick<SubjectKeys, "destroy">;
};

export function createDoomedKeys({ documents, subjects }: DoomedKeysParts): DoomedKeys {
  const inTurn = createTurns();
  const carryOut = (subject: string) =>
    inTurn(subject, async () => {
      if ((await documents.find("doomedKey", subject)) === undefined) return;
      await subjects.destroy(subject);
      await documents.commit([{ table: "doomedKey", key: subject, value: undefined }]);
    });
  return {
    doom: (subject) => ({ table: "doomedKey", key: subject, value: new Uint8Array(0) }),
    carryOut,
    isDoomed: async (subject) => (await documents.find("doomedKey", subject)) !== undefined,
    sweep: () => resumeEach(documents, { table: "doomedKey" }, ({ key }) => carryOut(key)),
  };
}
