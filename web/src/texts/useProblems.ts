/** Puts failures and problems into the reader's language, for components. */

import { useCallback } from "react";
import type { Failure } from "../graphql/failure";
import type { Problem } from "../graphql/useMutate";
import { failureInWords, problemInWords } from "./problems";
import { useLanguage } from "./useText";

export function useFailureWords(): (failure: Failure) => string {
  const { language } = useLanguage();
  return useCallback((failure: Failure) => failureInWords(failure, language), [language]);
}

export function useProblemWords(): (problem: Pick<Problem, "code" | "message">) => string {
  const { language } = useLanguage();
  return useCallback((problem) => problemInWords(problem, language), [language]);
}
