"""Plots about wishes, the sky, and small surprises."""

from gesso.worlds.beats import Plot, beat, maybe

MOON = Plot(
    name="moon",
    theme="the moon",
    things="bowl",
    places="high",
    weather="night",
    beats=(
        beat(
            "{He} loved the moon more than anything in the sky.",
            "Every night, {he} said good night to the moon.",
        ),
        beat(
            '"I wish I could catch the moon," {he} told {Elder}.',
            '"Can I bring the moon home?" {he} asked {Elder}.',
        ),
        beat(
            '"You can try," said {Elder} with a smile.',
            '"The moon is very far away," said {Elder}.',
        ),
        beat(
            "So, {one} {weather} night, {Hero} took {his} {obj} and went out with {Elder}.",
            "{One} {weather} night, {Hero} got {his} {obj} and took {Elder} along.",
        ),
        maybe("{Sky}"),
        beat(
            "They climbed up and up until they were {at_place}.",
            "They walked {to_place}, because it was closer to the sky.",
        ),
        beat(
            "{Hero} held up the {noun} as high as {he} could.",
            "{He} jumped with the {noun}, once, twice, three times.",
        ),
        beat(
            "But the moon did not fall into the {noun}.",
            "But the {obj} stayed empty.",
        ),
        beat(
            '"It is too far away," said {Hero}, and {he} was sad.',
            "{Hero} sat down in the grass and let {his} head hang.",
        ),
        beat(
            "Next to them was a little spring, and {Elder} filled the {obj} with water.",
            "{Elder} thought for a moment and poured some water into the {obj}.",
        ),
        beat(
            '"Look into the {noun} now," said {Elder}.',
            '"Be very quiet and look down," said {Elder}.',
        ),
        beat(
            "{Hero} looked down, and {his} eyes grew big.",
            "{He} did, and {he} could not believe what {he} saw.",
        ),
        beat(
            "There it was! The round, white moon was swimming in the {noun}.",
            "In the water, the moon was shining, as bright as in the sky.",
        ),
        beat(
            '"I have caught the moon!" whispered {Hero}.',
            '"Hello, moon," {he} said softly, and the moon seemed to wink.',
        ),
        maybe("A cricket played its song for them.", "They looked at it for a long time."),
        beat(
            "Very slowly, they carried the {obj} home, and the moon came along.",
            "{He} put the {obj} outside the window, so that the moon could sleep there.",
        ),
    ),
)

FIREFLIES = Plot(
    name="fireflies",
    theme="fireflies",
    things="light",
    places="wild",
    weather="night",
    beats=(
        beat(
            "{One} {weather} night, {Hero} and {Friend} were {at_place} with {an_obj}.",
            "{One} {weather} night, {Hero} took {his} {obj} and went {to_place} with {his} friend {Friend}.",
        ),
        maybe("{Sky}"),
        beat(
            "They wanted to stay up late and look for fireflies.",
            '"Tonight we will see the fireflies," said {Friend}.',
        ),
        beat(
            "They looked and looked, but there was not even one.",
            "They waited in the grass, but no firefly came.",
        ),
        beat(
            "Then the {noun} blinked twice and went out.",
            "Suddenly the {noun} went out, and it was very dark.",
        ),
        beat(
            '"Oh no! How will we find the way home?" asked {Friend}.',
            '"I cannot see a thing," said {Friend}, and {fhis} voice shook.',
        ),
        beat(
            '"Hold on to me," said {Hero}. "We will wait until we can see."',
            '"I am here," said {Hero}, and {he} put the {noun} down in the grass.',
        ),
        maybe(
            "They sat very still. At first, there was only the dark.",
            "It was so dark that they could hear each other breathe.",
        ),
        beat(
            "Then a tiny light blinked. Then there were two, and then ten!",
            "And then a small green light came out of the grass, and one more.",
        ),
        beat(
            '"Fireflies!" whispered {Hero}. "They were hiding from our {noun}!"',
            '"Look!" said {Friend}. "They only come when it is dark!"',
        ),
        beat(
            "Soon there were hundreds of them, like stars in the grass.",
            "They danced up and down and drew lines of light in the air.",
        ),
        maybe(
            "One of them sat down on the {obj} and made it glow.",
            "A firefly landed on {his} nose, and {Friend} giggled.",
        ),
        beat(
            '"Will you show us the way home?" asked {Hero}.',
            '"It is late," said {Hero}. "Little lights, can you lead us home?"',
        ),
        beat(
            "The fireflies flew ahead, and the two friends followed them.",
            "A line of little lights showed them the path.",
        ),
        beat(
            "{Elder} was at the door and saw them come with a hundred little lights.",
            '"Why is your {noun} off?" asked {Elder}. "We did not need it," said {Hero}.',
        ),
        beat(
            "They waved, and the fireflies flew back {to_place}.",
            "From then on, they often left the {obj} at home and looked at the dark.",
        ),
    ),
)

END_OF_THE_RAINBOW = Plot(
    name="end_of_the_rainbow",
    theme="a rainbow",
    things="small",
    places="outdoors",
    weather="rain",
    beats=(
        beat(
            "It was a {weather} day, and {Hero} had to wait inside.",
            "{One} {weather} day, {he} sat at the window and waited.",
        ),
        maybe("{Sky}"),
        beat(
            "When the rain was over, there was a rainbow in the sky.",
            "Then the sun came out, and with it came a rainbow.",
        ),
        beat(
            '"{Elder} says there is a treasure at the end of it," said {Hero}.',
            '"There is a treasure at the end of each rainbow," {Elder} always said.',
        ),
        beat(
            '{He} ran to {his} friend {Friend}. "Come on, let us find it!" {he} said.',
            '"Let us look for it!" {he} said to {his} friend {Friend}.',
        ),
        beat(
            "The rainbow seemed to end {at_place}, so they ran there.",
            "They followed the colors {to_place}.",
        ),
        beat(
            "But when they got there, the rainbow was farther away.",
            "But the rainbow moved each time they came close.",
        ),
        beat(
            "They ran through wet grass and jumped over puddles.",
            "They ran until their feet were wet and their legs were tired.",
        ),
        maybe('"Wait for us, rainbow!" called {Friend}.', "{Friend} slipped in the mud and laughed."),
        beat(
            "Then the colors got pale, and the rainbow was gone.",
            "Little by little, the rainbow went away.",
        ),
        beat(
            '"Now we will never find the treasure," said {Hero}.',
            '{Hero} sat down on a stone. "We were too slow," {he} said.',
        ),
        beat(
            '"Wait! What is that next to your foot?" asked {Friend}.',
            '{Friend} pointed at the ground. "Something is there," {fhe} said.',
        ),
        beat(
            "In the wet grass lay {an_obj}. A drop of rain shone on it.",
            "It was {an_obj}, and the rain had washed it clean.",
        ),
        beat(
            "{Hero} picked up the {noun} and held it to the light.",
            '"It is {an_obj}! We found a treasure!" said {Hero}.',
        ),
        beat(
            '"You keep the {noun}," said {Friend}. "I had so much fun, and that is my treasure."',
            '"You keep it today, and I keep it tomorrow," said {Friend}.',
        ),
        beat(
            "They walked home with mud on their feet and the {obj} in {his} {hand}.",
            "{Hero} put the {obj} on the window, where it could see the next rainbow.",
        ),
    ),
)

WISHING_STAR = Plot(
    name="wishing_star",
    theme="a wish",
    things="toy",
    places="high",
    starts_friendship=True,
    weather="night",
    beats=(
        beat(
            "{He} had a secret wish. It was {an_obj}.",
            "For a long time, {he} had wished for {an_obj}.",
        ),
        beat(
            "{One} {weather} night, {Hero} and {Elder} went {to_place}.",
            "{One} {weather} night, {Elder} took {him} {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "They lay down on a blanket and looked up.",
            "They sat close together and looked at the sky.",
        ),
        beat(
            "Suddenly a bright line crossed the sky. It was a falling star!",
            '"Look, a falling star!" said {Elder}.',
        ),
        beat(
            '"Make a wish, but do not tell anyone," said {Elder}.',
            '"Quick, you can make a wish!" said {Elder}.',
        ),
        beat(
            "{Hero} closed {his} eyes and wished for the {obj}.",
            "{He} thought of the {noun} and closed {his} eyes tight.",
        ),
        beat(
            "But then {he} thought of {Friend}, who had been so sad all week.",
            "But just then, {he} remembered {Friend}, who was always alone.",
        ),
        beat(
            "{Friend} had just moved here, and {fhe} had no friends yet.",
            "{Friend} was new in town and did not know anyone.",
        ),
        beat(
            '"I will wish for something else," thought {Hero}. "I wish that {Friend} will be happy."',
            "So {Hero} let go of the {noun} and wished that {Friend} would be happy.",
        ),
        beat(
            "The next morning, {he} ran to {Friend} and knocked on the door.",
            "In the morning, {Hero} knew how to make the wish come true.",
        ),
        beat(
            '"Do you want to come {to_place} with me?" asked {Hero}.',
            '"I came to play with you, {Friend}," said {Hero}.',
        ),
        beat(
            '{Friend} smiled for the first time in days. "Yes, please!" {fhe} said.',
            '"With me? Oh, yes!" said {Friend}, and {fhe} jumped up.',
        ),
        beat(
            '"Wait, I will bring my {noun}," said {Friend}. It was {an_obj}!',
            "Then {Friend} brought out a box. In it was {an_obj}!",
        ),
        beat(
            "They played with the {obj} together until it was dark.",
            '"You can play with the {noun} whenever you like," said {Friend}.',
        ),
        beat(
            "Two wishes had come true, and {Hero} winked at the stars.",
            '"One star, two wishes," {Hero} told {Elder} that night.',
        ),
    ),
)

SLEDDING = Plot(
    name="sledding",
    theme="riding a sled in the snow",
    things="snow",
    places="snow",
    weather="snow",
    beats=(
        beat(
            "{One} {weather} day, {Hero} pulled {his} {obj} {to_place}.",
            "{One} {weather} day, {he} took the {obj} out of the shed and went {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{Hero} sat on the {noun} and went down with a loud cheer.",
            "Down {he} went on the {noun}, as fast as the wind.",
        ),
        beat(
            "At the bottom, {he} rolled into the soft snow and laughed.",
            "Snow flew into {his} face, and it tickled.",
        ),
        beat(
            "But it was hard to pull the {obj} up again all alone.",
            "But then {he} had to walk all the way up, and the {obj} was heavy.",
        ),
        maybe('"Up is not as much fun as down," said {Hero}.', "{He} had to stop three times to rest."),
        beat(
            "Then {he} saw {Friend}, who was sitting on an old box.",
            "There stood {Friend} with an old box in the snow.",
        ),
        beat(
            '"I have no sled, so I use this box," said {Friend}. "But it does not go very fast."',
            '"This is my sled," said {Friend}, but the box was wet and did not move.',
        ),
        beat(
            "{Hero} looked at the box and then at {his} {noun}.",
            "{Hero} thought about it for a moment.",
        ),
        beat(
            '"Come and ride with me," said {Hero}. "There is room for two on my {noun}."',
            '"Let us share my {obj}," said {Hero}.',
        ),
        beat(
            "{Friend} sat in front, and {Hero} sat behind and held on.",
            "{Friend} jumped on, and they both held on tight.",
        ),
        beat(
            '"One, two, three, go!" they called, and down they went.',
            "The {noun} was twice as fast with two, and they screamed with joy.",
        ),
        beat(
            "And going up was easy, because they pulled the {obj} together.",
            "Then they pulled the {noun} up side by side, and it was not heavy at all.",
        ),
        beat(
            "They rode again and again until their noses were red.",
            "They stayed {at_place} until the first star came out.",
        ),
        beat(
            "{Elder} had warm cookies and tea for the two friends.",
            "At home, {Elder} gave them hot chocolate, and they dried their feet by the fire.",
        ),
    ),
)

PLOTS_WONDER = (MOON, FIREFLIES, END_OF_THE_RAINBOW, WISHING_STAR, SLEDDING)
