/** Operations, typed from the server's schema: `npm run schema` writes its types. */

import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./schema.js";

export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: { DateTime: string; Cursor: string; Upload: Blob };
}>();

export type { ResultOf, TadaDocumentNode } from "gql.tada";
