/** Names of people, for those who may read them; events hold only ids. */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { central, dataOf, within } from "@lineside/client/central.ts";
import { useMay } from "../app/queries.ts";

const STEADY_MS = 60_000;

/** `Wang Fang (P-1042), P-1107`: the name where it is known, the id always. */
export function useNames(): (ids: readonly string[]) => string {
  const may = useMay();
  const people = useQuery({
    queryKey: ["people", "names"],
    queryFn: ({ signal }) =>
      dataOf(central.GET("/api/v1/mes/persons", { params: { query: { limit: 500 } }, signal: within(signal) })),
    enabled: may("people.read"),
    staleTime: STEADY_MS,
  });
  const names = useMemo(
    () => new Map(people.data?.items.map((one) => [one.id, one.name])),
    [people.data],
  );
  return useCallback(
    (ids) =>
      ids
        .map((id) => {
          const name = names.get(id);
          return name ? `${name} (${id})` : id;
        })
        .join(", "),
    [names],
  );
}
