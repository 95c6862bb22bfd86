/** The administrators' pages, in the order of their menu. */

export const SECTIONS = [
  { name: "retraining", path: "/admin/retraining" },
  { name: "models", path: "/admin/models" },
  { name: "drift", path: "/admin/drift" },
  { name: "users", path: "/admin/users" },
  { name: "conflicts", path: "/admin/label-conflicts" },
  { name: "news", path: "/admin/news" },
  { name: "messages", path: "/admin/messages" },
  { name: "trail", path: "/admin/trail" },
] as const;
