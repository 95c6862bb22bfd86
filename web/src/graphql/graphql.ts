/** Types operations from the schema: `graphql(...)` knows what an operation takes and answers. */

import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./schema";

export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: { DateTime: string; Cursor: string; Upload: File };
}>();

export type { ResultOf, TadaDocumentNode, VariablesOf } from "gql.tada";
