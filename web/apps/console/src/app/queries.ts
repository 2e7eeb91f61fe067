/** The cache of what central said, whether it still answers, and acts that are never done twice. */
import { MutationCache, QueryCache, QueryClient, useMutation, useQuery } from "@tanstack/react-query";
import { App } from "antd";
import { useRef } from "react";
import { central, dataOf, newKey, Refusal, Unreachable, within } from "@lineside/client/central.ts";
import { sentence, useSayError } from "./saying.ts";
import { useText } from "./words.ts";

const LIVE_MS = 5_000;
const STEADY_MS = 60_000;

/** Since when central has not answered, milliseconds; null while it does. */
let awaySince: number | null = null;
const watchers = new Set<() => void>();

function heard(away: boolean): void {
  const next = away ? (awaySince ?? Date.now()) : null;
  if (next === awaySince) return;
  awaySince = next;
  for (const watcher of watchers) watcher();
}

export const reach = {
  awaySince: () => awaySince,
  subscribe: (watcher: () => void) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
};

const noteError = (error: Error) => heard(error instanceof Unreachable);

export const queries = new QueryClient({
  queryCache: new QueryCache({ onSuccess: () => heard(false), onError: noteError }),
  mutationCache: new MutationCache({ onSuccess: () => heard(false), onError: noteError }),
  defaultOptions: {
    queries: {
      networkMode: "always",
      retry: (count, error) => error instanceof Unreachable && count < 2,
      staleTime: LIVE_MS / 2,
    },
    mutations: { networkMode: "always", retry: false },
  },
});

/** How often live lists ask again. */
export const live = { refetchInterval: LIVE_MS } as const;

export function useMe() {
  return useQuery({
    queryKey: ["me"],
    queryFn: ({ signal }) => dataOf(central.GET("/api/v1/auth/me", { signal: within(signal) })),
    staleTime: STEADY_MS,
  });
}

/** Whether the signed-in user has a permission; false until it is known. */
export function useMay(): (permission: string) => boolean {
  const me = useMe();
  return (permission) => me.data?.permissions.includes(permission) ?? false;
}

/** The site's time zone, once a calendar is there. */
export function useZone(): string | undefined {
  const calendar = useQuery({
    queryKey: ["calendar"],
    queryFn: ({ signal }) => dataOf(central.GET("/api/v1/mes/calendar", { signal: within(signal) })),
    staleTime: STEADY_MS,
    retry: false,
  });
  return calendar.data?.time_zone;
}

/**
 * An act of a person. Its key is kept while nobody knows whether it was done, so that pressing again
 * is safe; it is renewed as soon as central has answered.
 */
export function useAct<V, R>(
  act: (value: V, key: string) => Promise<R>,
  options: { refresh: readonly unknown[][]; done?: (result: R, value: V) => void },
) {
  const { message } = App.useApp();
  const text = useText();
  const say = useSayError();
  const key = useRef(newKey());
  return useMutation({
    mutationFn: (value: V) => act(value, key.current),
    onSuccess: (result, value) => {
      key.current = newKey();
      for (const queryKey of options.refresh) void queries.invalidateQueries({ queryKey });
      options.done?.(result, value);
    },
    onError: (error) => {
      if (error instanceof Refusal) {
        key.current = newKey();
        void message.error(sentence(say(error)), 8);
        for (const queryKey of options.refresh) void queries.invalidateQueries({ queryKey });
      } else {
        void message.warning(text("act.unsure"), 8);
      }
    },
  });
}
