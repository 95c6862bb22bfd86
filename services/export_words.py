"""What the copy of somebody's own says of itself."""

from typing import Final

README: Final = {
    "en": """COVID-XR: all that is yours

For research, not for diagnosis.

account.json                   your account; the password is kept as a hash alone, and is not here, nor is the
                               secret of your authenticator app
pictures/                      your images as the platform keeps them, named by their number
images.json                    each image: its file, patient reference, predictions with the number of the
                               model, labels, and the models that these taught
labels-of-others-images.json   labels that you gave to other people's images, as an administrator
sessions.json                  where you are signed in
messages.json                  messages of the contact form that give your address
news.json                      what you published
trail.json                     what the platform's audit trail says that you did

Moments are in UTC. Lists that are empty had nothing to tell. Features, small pictures and heatmaps are made
from the pictures, and are left out. You may delete your account, with all of this, on the page "Account".
""",
    "es": """COVID-XR: todo lo suyo

Para investigación, no para diagnóstico.

account.json                   su cuenta; de la contraseña se guarda solo una huella, que no está aquí, como
                               tampoco el secreto de su aplicación de códigos
pictures/                      sus imágenes como la plataforma las guarda, con su número por nombre
images.json                    cada imagen: su archivo, la referencia del paciente, las predicciones con el
                               número del modelo, las etiquetas y los modelos que aprendieron de ellas
labels-of-others-images.json   etiquetas que usted dio a imágenes de otros, como administrador
sessions.json                  dónde tiene sesiones abiertas
messages.json                  mensajes del formulario de contacto que dan su dirección
news.json                      lo que usted publicó
trail.json                     lo que el registro de la plataforma dice que usted hizo

Las horas son UTC. Una lista vacía no tenía nada que contar. Las características, las miniaturas y los mapas
de calor se hacen a partir de las imágenes y no están aquí. Puede borrar su cuenta, con todo esto, en la
página "Cuenta".
""",
}
